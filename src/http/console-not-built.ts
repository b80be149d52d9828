/** What is at `/` as long as there is no console. Without scripts, and nothing to be loaded. */
export const CONSOLE_NOT_BUILT = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>CloudConsoleVibe: the console is not built</title>
</head>
<body>
<main>
<h1>The console is not built</h1>
<p>The server runs. Its web console is built by this command, in the folder of the server; then load this page again:</p>
<pre>npm run build</pre>
<p>What there is without it: the API at <a href="/api/v1/info">/api/v1</a>, and <a href="/health">/health</a>.</p>
</main>
</body>
</html>
`;

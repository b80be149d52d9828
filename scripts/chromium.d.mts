export declare const consoleDir: string;
export declare const chromiumArguments: string[];
export declare function chromiumPath(): string | null;
export declare function whyNoBrowserTests(): string | null;

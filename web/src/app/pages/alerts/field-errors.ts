/** What the server says of single fields of a form, beside these fields. Pure. */

/** By the API's name of the field. */
export type FieldErrors = Readonly<Record<string, string>>;

/**
 * The first complaint about each of the fields, in the server's words, with the field's name as people know it. What is said of a
 * part (`matchers[0].value`) belongs to the longest name that it begins with. Null: nothing was said of any.
 */
export function fieldErrors(
  details: readonly { readonly field?: string; readonly message: string }[],
  names: Readonly<Record<string, string>>,
): FieldErrors | null {
  const errors: Record<string, string> = {};
  const known = Object.keys(names).sort((a, b) => b.length - a.length);
  for (const { field = '', message } of details) {
    const name = known.find((one) => field === one || field.startsWith(`${one}.`) || field.startsWith(`${one}[`));
    if (name === undefined) continue;
    const words = message.startsWith(`"${field}" `) ? `${names[name] ?? name}${message.slice(field.length + 2)}` : message;
    errors[name] ??= words.endsWith('.') ? words : `${words}.`;
  }
  return Object.keys(errors).length === 0 ? null : errors;
}

/** Without the complaint about a field that is being mended. */
export function without(errors: FieldErrors, field: string): FieldErrors {
  return Object.hasOwn(errors, field) ? Object.fromEntries(Object.entries(errors).filter(([name]) => name !== field)) : errors;
}

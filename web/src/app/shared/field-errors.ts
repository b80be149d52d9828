/** What the server says of single fields of a form, beside these fields. Pure. */

/** By the API's name of the field. */
export type FieldErrors = Readonly<Record<string, string>>;

interface Detail {
  readonly field?: string;
  readonly message: string;
}

/**
 * The first complaint about each of the fields, in the server's words, with the field's name as people know it. What is said of a
 * part (`matchers[0].value`) belongs to the longest name that it begins with. `others`: complaints about nothing in the form.
 */
export function fieldErrors(
  details: readonly Detail[],
  names: Readonly<Record<string, string>>,
): { readonly fields: FieldErrors; readonly others: readonly Detail[] } {
  const fields: Record<string, string> = {};
  const others: Detail[] = [];
  const known = Object.keys(names).sort((a, b) => b.length - a.length);
  for (const detail of details) {
    const { field = '', message } = detail;
    const name = known.find((one) => field === one || field.startsWith(`${one}.`) || field.startsWith(`${one}[`));
    if (name === undefined) {
      others.push(detail);
      continue;
    }
    const words = message.startsWith(`"${field}" `) ? `${names[name] ?? name}${message.slice(field.length + 2)}` : message;
    fields[name] ??= words.endsWith('.') ? words : `${words}.`;
  }
  return { fields, others };
}

/** Without the complaint about a field that is being mended. */
export function without(errors: FieldErrors, field: string): FieldErrors {
  return Object.hasOwn(errors, field) ? Object.fromEntries(Object.entries(errors).filter(([name]) => name !== field)) : errors;
}

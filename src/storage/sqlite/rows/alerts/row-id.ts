/** The number that an id of the API stands for; one that is none of ours (they come from clients) is that of no row. */
export function rowId(id: string): number {
  return /^[1-9]\d{0,14}$/.test(id) ? Number(id) : -1;
}

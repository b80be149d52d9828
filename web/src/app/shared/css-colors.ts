/** The values of colours' CSS variables as a canvas understands them (`light-dark()` is not for canvases). Each is looked up once. */
export function colorsOf(host: HTMLElement): (name: string) => string {
  const found = new Map<string, string>();
  return (name) => {
    let color = found.get(name);
    if (color === undefined) {
      const probe = document.createElement('span');
      probe.style.color = `var(${name})`;
      host.append(probe);
      color = getComputedStyle(probe).color;
      probe.remove();
      found.set(name, color);
    }
    return color;
  };
}

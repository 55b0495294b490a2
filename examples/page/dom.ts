/** @file Elements in one call. */

type Attributes = Readonly<Record<string, string | boolean | ((event: never) => void)>>;

/** An element with attributes (functions listen, `false` is absent) and what it holds. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value as EventListener);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** The element of the page with this id. */
export const byId = <E extends Element = HTMLElement>(id: string): E =>
  document.getElementById(id) as unknown as E;

/** Files chosen, dropped or pasted on an element become pictures; the rest is told. */
export function takesFiles(
  target: HTMLElement,
  input: HTMLInputElement,
  take: (files: readonly File[]) => void,
): void {
  input.addEventListener("change", () => {
    take([...(input.files ?? [])]);
    input.value = ""; // the same file may be chosen again
  });
  const over = (is: boolean) => (event: Event) => {
    event.preventDefault();
    target.classList.toggle("over", is);
  };
  target.addEventListener("dragover", over(true));
  target.addEventListener("dragleave", over(false));
  target.addEventListener("drop", (event) => {
    over(false)(event);
    take([...(event.dataTransfer?.files ?? [])]);
  });
}

// What a figure is: it makes an element, and says so when something fails later.
export type Figure = (place: HTMLElement, failed: (error: unknown) => void) => Promise<HTMLElement>;

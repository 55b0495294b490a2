/** @file A language that the page's charts can use, imported before them. */

/** The first of a browser's languages that `Intl` knows the form of; `en-US@posix` is none. */
export function usableLanguage(languages: readonly string[]): string {
  const isUsable = (language: string): boolean => {
    try {
      return Intl.getCanonicalLocales(language).length > 0;
    } catch {
      return false;
    }
  };
  return languages.find(isUsable) ?? "en";
}

/** uPlot makes a number format of `navigator.language` when it is loaded, and fails where that is malformed. */
const language = usableLanguage([navigator.language, ...navigator.languages]);
if (language !== navigator.language) {
  Object.defineProperty(navigator, "language", { value: language, configurable: true });
}

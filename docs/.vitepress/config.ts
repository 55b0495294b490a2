/** @file The site of these pages: `npm run docs` builds it as static files. */

import { type MarkdownRenderer, defineConfig } from "vitepress";
import { sourceHref } from "../../scripts/docs-sources.ts";

const page = (text: string, link: string) => ({ text, link: `/${link}` });

/** Has links to files outside docs/ lead to what is put beside the pages, in a tab of its own. */
function linkSources(md: MarkdownRenderer): void {
  const other = md.renderer.rules.link_open;
  md.renderer.rules.link_open = (tokens, index, options, env, self) => {
    const token = tokens[index];
    const href = sourceHref(token.attrGet("href") ?? "");
    if (href === undefined) {
      return other?.(tokens, index, options, env, self) ?? self.renderToken(tokens, index, options);
    }
    token.attrSet("href", href);
    token.attrSet("target", "_blank");
    return self.renderToken(tokens, index, options);
  };
}

export default defineConfig({
  title: "Ocelli",
  description: "Train, transfer, evaluate and ship vision models in TypeScript.",
  outDir: "../.cache/docs",
  cacheDir: "../.cache/vitepress",
  cleanUrls: false,
  // the reference of the API is put beside the built pages
  ignoreDeadLinks: [/\/api\//, /^https?:/],
  markdown: {
    config(md) {
      md.enable("code"); // blocks of code that are indented, as these pages have them
      linkSources(md);
    },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      page("First model", "first-model"),
      page("Configuration", "configuration"),
      { text: "API", link: "/api/index.html", target: "_blank" },
    ],
    sidebar: [
      {
        text: "Start",
        items: [
          page("First model in five minutes", "first-model"),
          page("Your own images", "own-images"),
          page("Labelling pictures", "label"),
          page("Installing", "install"),
          page("Coming from other projects", "coming-from"),
        ],
      },
      {
        text: "Ship",
        items: [
          page("To a page", "web"),
          page("To a server", "serve"),
          page("Explain answers", "explain"),
          page("Search and classify by words", "search"),
        ],
      },
      {
        text: "Train",
        items: [
          page("Resume and sweep", "resume-and-sweep"),
          page("Watch runs", "dashboard"),
          page("Transfer", "transfer"),
          page("Without labels", "self-supervision"),
          page("Systems in a table", "self-supervised-table"),
          page("Data", "data"),
          page("Pictures to pixels", "preprocessing"),
          page("Operations", "operations"),
          page("Images and texts", "text"),
          page("Configuration", "configuration"),
          page("Weights", "weights"),
          page("GPUs", "gpu"),
          page("Several devices", "scale"),
        ],
      },
      {
        text: "Extend",
        items: [
          page("Definitions of your own", "your-own"),
          page("A model", "adding-a-model"),
          page("A task", "adding-a-task"),
          page("A primitive", "adding-a-primitive"),
        ],
      },
      {
        text: "Inside",
        items: [
          page("The map of the house", "architecture"),
          page("Engines", "engines"),
          page("XLA notes", "xla-notes"),
          page("Benchmarks", "benchmarks"),
          page("Terms", "terms"),
          page("Tried", "tried"),
        ],
      },
    ],
  },
});

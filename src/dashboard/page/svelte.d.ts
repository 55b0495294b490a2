/** @file What the type check knows of components; the compiler checks the rest. */

declare module "*.svelte" {
  import type { Component } from "svelte";
  const component: Component<Record<string, unknown>>;
  export default component;
}

declare module "*.css";

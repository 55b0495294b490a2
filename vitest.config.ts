import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{src,tests,recipes,papers,bench,scripts}/**/*.test.ts"],
    testTimeout: 60_000,
    maxWorkers: 2,
  },
});

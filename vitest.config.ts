import { defineConfig } from "vitest/config";

// Cluster tests bring up real hosts, one lab a file: on two cores files run one after another.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ["default", "./test/failures.ts"],
    globalSetup: ["test/setup.ts"],
  },
});

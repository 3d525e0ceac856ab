import type { Reporter, TestModule } from "vitest/node";

/** Says at the very end, a line each, which tests failed and why: what is left where only the end of a log is kept. */
export default class Failures implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) {
      for (const { message } of module.errors()) say(module.relativeModuleId, message);
      for (const suite of module.children.allSuites())
        for (const { message } of suite.errors())
          say(`${module.relativeModuleId} > ${suite.fullName}`, message);
      for (const test of module.children.allTests()) {
        const { flaky = false, retryCount = 0 } = test.diagnostic() ?? {};
        if (test.result().state === "failed")
          say(`${module.relativeModuleId} > ${test.fullName}`, test.result().errors?.[0]?.message ?? "");
        else if (flaky)
          say(`${module.relativeModuleId} > ${test.fullName}`, `passed when tried again (${retryCount})`);
      }
    }
  }
}

function say(what: string, why: string): void {
  console.log(`FAILED ${what}: ${why.replaceAll(/\s+/g, " ").slice(0, 400)}`);
}

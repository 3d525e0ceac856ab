// Imports run one way: core <- wire <- mux <- io <- daemon, helper, agent, lab <- cli.
const layer = (name, forbidden) => ({
  name: `${name}-looks-only-down`,
  severity: "error",
  from: { path: `^src/${name}/` },
  to: { path: `^src/(${forbidden.join("|")})/` },
});
const pure = (name) => ({
  name: `${name}-is-pure`,
  severity: "error",
  from: { path: `^src/${name}/` },
  to: { dependencyTypes: ["core"], pathNot: "^(node:)?(buffer|crypto)$" },
});
module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    layer("core", ["wire", "mux", "io", "daemon", "helper", "agent", "lab", "cli"]),
    layer("wire", ["mux", "io", "daemon", "helper", "agent", "lab", "cli"]),
    layer("mux", ["io", "daemon", "helper", "agent", "lab", "cli"]),
    layer("io", ["daemon", "helper", "agent", "lab", "cli"]),
    layer("daemon", ["helper", "agent", "lab", "cli"]),
    layer("helper", ["daemon", "agent", "lab", "cli"]),
    layer("agent", ["daemon", "helper", "lab", "cli"]),
    layer("lab", ["daemon", "helper", "agent", "cli"]),
    { name: "core-has-no-node", severity: "error", from: { path: "^src/core/" }, to: { dependencyTypes: ["core", "npm"] } },
    pure("wire"),
    pure("mux"),
  ],
  options: { tsPreCompilationDeps: true, tsConfig: { fileName: "tsconfig.json" }, doNotFollow: { path: "node_modules" } },
};

// Brings a lab up, says its id, and waits to be ended. `node owner.mjs [throw]`.
import { Lab } from "../../dist/lab/lab.js";

const lab = await Lab.up({ hosts: 2, daemons: false });
lab.host("n2").start(["sleep", "1000"]);
console.log(lab.id);
if (process.argv[2] === "throw") throw new Error("as asked");
setInterval(() => {}, 1000);

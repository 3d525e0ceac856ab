/** prex-agent: started over ssh under the keeper (bin/prex-agent); frames on stdin and stdout. */
import { Agent } from "../agent/agent.js";
import { Guests } from "../agent/guests.js";
import { native } from "../io/native.js";
import { configFile } from "../io/paths.js";

const [option, link] = process.argv.slice(2);
if (option !== "--link" || link === undefined || !/^[0-9a-f]{1,64}$/.test(link)) {
  process.stderr.write("prex-agent: usage: prex-agent --link ID (prexd starts it over ssh)\n");
  process.exitCode = 2;
} else {
  native.setProcessName("prex-agent");
  process.title = "prex-agent";
  const guests = new Guests(configFile());
  await guests.ready();
  new Agent(link, guests);
}

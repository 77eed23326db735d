const { ChatAnthropic } = require("@langchain/anthropic");
const { createReactAgent } = require("@langchain/langgraph/prebuilt");
const { tool } = require("@langchain/core/tools");
const { Pinecone } = require("@pinecone-database/pinecone");
const { execSync } = require("child_process");

const MODEL = "claude-3-opus-20240229";
const shell = tool(async ({ command }) => execSync(command).toString(), {
  name: "shell", description: "Runs a command",
});
const pc = new Pinecone();
const index = pc.index("runbooks");
const llm = new ChatAnthropic({ model: MODEL });
const opsAgent = createReactAgent({ llm, tools: [shell] });

async function main() {
  const out = await opsAgent.invoke({ messages: [{ role: "user", content: process.argv[2] }] });
  console.log(out.messages.at(-1).content);
}
main();

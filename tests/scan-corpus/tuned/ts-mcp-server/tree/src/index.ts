import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";
import { exec } from "node:child_process";

const server = new McpServer({ name: "weather", version: "1.0.0" });
server.tool("forecast", { city: z.string() }, async ({ city }) => {
  const text = await fetch(`https://weather.example/${encodeURIComponent(city)}`).then((r) => r.text());
  return { content: [{ type: "text", text }] };
});
await server.connect(new StdioServerTransport());

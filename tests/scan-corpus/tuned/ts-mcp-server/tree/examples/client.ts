import OpenAI from "openai";
const demo = new OpenAI({ baseURL: "http://example.test/v1" });

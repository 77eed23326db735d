const OpenAI = require("openai");
jest.mock("openai");
new OpenAI({ baseURL: "http://mock/v1" }).chat.completions.create({ model: "mock-model" });

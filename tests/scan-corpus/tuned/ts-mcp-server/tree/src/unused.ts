// import OpenAI from "openai";
export const openai = { name: "open air institute" };
export const model = "t";

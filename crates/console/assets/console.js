// @ts-check
// What moves on the pages. Every page works without this; nothing here turns text into markup.
import { follow } from "./live.js";
import { verify } from "./verify.js";
import { keys } from "./keys.js";

follow();
verify();
keys();

// Reads and writes MessagePack with a library that is not ours. One line in, one line out:
//   decode <base64>                        -> the value as JSON, with every digit of its numbers
//   encode {"value":...,"options":{...}}   -> base64
import { createInterface } from "node:readline";
import { ExtensionCodec, decodeMulti, encode } from "@msgpack/msgpack";

const numberExtension = 78;

class Digits {
  constructor(text) {
    this.text = text;
  }
}

const extensionCodec = new ExtensionCodec();
extensionCodec.register({
  type: numberExtension,
  encode: (value) => (value instanceof Digits ? new TextEncoder().encode(value.text) : null),
  decode: (bytes) => new Digits(new TextDecoder("ascii", { fatal: true }).decode(bytes)),
});

function toJson(value) {
  if (value instanceof Digits) return value.text;
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (Array.isArray(value)) return `[${value.map(toJson).join(",")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${toJson(member)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

// JSON cannot say what these are: {"$bigint":"1"}, {"$digits":"1.10"}, {"$bytes":"AA=="}, {"$date":"2026-01-01T00:00:00Z"}.
function revive(name, value) {
  if (value === null || typeof value !== "object") return value;
  if ("$bigint" in value) return BigInt(value.$bigint);
  if ("$digits" in value) return new Digits(value.$digits);
  if ("$bytes" in value) return new Uint8Array(Buffer.from(value.$bytes, "base64"));
  if ("$date" in value) return new Date(value.$date);
  return value;
}

function answer(line) {
  const blank = line.indexOf(" ");
  const rest = line.slice(blank + 1);
  if (line.slice(0, blank) === "decode") {
    const [version, value, ...more] = decodeMulti(Buffer.from(rest, "base64"), { useBigInt64: true, extensionCodec });
    if (version !== 1 || more.length > 0) throw new Error(`version ${version}, ${more.length} values more`);
    return toJson(value);
  }
  const { value, options } = JSON.parse(rest, revive);
  return Buffer.from(encode(value, { extensionCodec, useBigInt64: true, ...options })).toString("base64");
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  try {
    console.log(answer(line));
  } catch (error) {
    console.log(`error ${error.message}`);
  }
}

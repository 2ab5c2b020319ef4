// Draws with a GAN that kerasgan exported as ONNX, in the browser: index.html's script.

import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.min.mjs";
import { between, fromSeed, oneHot } from "./latents.js";

ort.env.wasm.wasmPaths = new URL("./node_modules/onnxruntime-web/dist/", import.meta.url).href;
ort.env.wasm.numThreads = 1; // more need headers that a plain file server does not send

const $ = (id) => document.getElementById(id);
let gan = null;

// What kerasgan wrote into the file: of a protocol buffer's top level (ModelProto) the field 14, entries of a key and a
// value. onnxruntime-web itself does not tell.
export function describe(bytes) {
  const fields = function* (from, to) {
    const varint = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[from++];
        value += (byte & 127) * scale;
        if (!(byte & 128)) return value;
      }
    };
    while (from < to) {
      const tag = varint();
      if (tag % 8 === 0) varint();
      else if (tag % 8 === 2) {
        const size = varint();
        yield [Math.floor(tag / 8), from, from + size];
        from += size;
      } else throw new Error("it is no ONNX file, or damaged");
    }
  };
  const text = (from, to) => new TextDecoder().decode(bytes.subarray(from, to));
  for (const [field, from, to] of fields(0, bytes.length)) {
    if (field !== 14) continue;
    const entry = Object.fromEntries([...fields(from, to)].map(([part, a, b]) => [part, text(a, b)]));
    if (entry[1] === "kerasgan") return JSON.parse(entry[2]);
  }
  throw new Error("it has no description by kerasgan: another program wrote it");
}

export async function load(buffer) {
  const about = describe(new Uint8Array(buffer));
  if (about.output.name !== "images") throw new Error("its samples are no images");
  gan = { about, session: await ort.InferenceSession.create(buffer, { executionProviders: ["wasm"] }) };
  return about;
}

// An array of z -> Float32Array [n, height, width, channels], from 0 to 1.
export async function draw(vectors) {
  const dim = gan.about.input.shape[1];
  const z = new ort.Tensor("float32", Float32Array.from(vectors.flat()), [vectors.length, dim]);
  return (await gan.session.run({ z })).images.data;
}

// z of seeds with what the controls say; the page's own state is in the controls alone.
export function vectors(seeds) {
  const { latent } = gan.about;
  const way = Number($("way").value);
  return seeds.map((seed) => {
    let z = fromSeed(latent, seed);
    if (way > 0) z = between(latent, z, fromSeed(latent, Number($("other").value)), way);
    const psi = Number($("psi").value);
    for (const part of latent) {
      const own = part.part === "noise" ? z.slice(part.from, part.from + part.size).map((x) => psi * x) : chosen(part);
      if (own) z.splice(part.from, part.size, ...own);
    }
    return z;
  });
}

// What the controls say of a part of z, or null for what the seed says.
function chosen(part) {
  if (part.part === "continuous") {
    const sliders = [...document.querySelectorAll("[data-continuous]")];
    return $("codes").checked ? sliders.map((slider) => Number(slider.value)) : null;
  }
  const value = document.querySelector(`[data-from="${part.from}"]`).value;
  return value === "" ? null : oneHot(Number(value), part.size);
}

function paint(canvas, values, [, height, width, channels]) {
  const pixels = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = Math.round(255 * values[channels * i + (channels === 1 ? 0 : c)]);
    pixels.data[4 * i + 3] = 255;
  }
  Object.assign(canvas, { width, height });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

let waiting = false;
let busy = false;

// Draws anew; what changes meanwhile is drawn afterwards, once.
async function show() {
  if (!gan) return;
  if (busy) {
    waiting = true;
    return;
  }
  busy = true;
  try {
    const first = Math.max(0, Math.floor(Number($("seed").value)) || 0);
    const seeds = Array.from({ length: 16 }, (_, i) => first + i);
    const start = performance.now();
    const images = await draw(vectors(seeds));
    const milliseconds = performance.now() - start;
    const size = images.length / 16;
    seeds.forEach((seed, i) => {
      const canvas = $("samples").children[i];
      paint(canvas, images.subarray(i * size, (i + 1) * size), gan.about.output.shape);
      canvas.setAttribute("aria-label", `sample of seed ${seed}`);
      canvas.title = `seed ${seed}`;
    });
    $("status").textContent = `Seeds ${first} to ${first + 15}, drawn in ${milliseconds.toFixed(0)} ms.`;
  } catch (error) {
    $("status").textContent = `That did not work: ${error.message}`;
  }
  busy = false;
  if (waiting) {
    waiting = false;
    show();
  }
}

function control(label, input) {
  const row = document.createElement("label");
  input.setAttribute("aria-label", label); // a row's text holds a select's options too
  row.append(label, " ", input);
  $("parts").append(row);
}

// Controls for what this GAN's z is made of.
function offer(about) {
  $("parts").replaceChildren();
  for (const part of about.latent) {
    if (part.part === "label" || part.part === "categorical") {
      const select = document.createElement("select");
      select.dataset.from = part.from;
      select.append(new Option("as the seed says", ""));
      for (let i = 0; i < part.size; i++) {
        select.append(new Option((part.part === "label" && about.class_names?.[i]) || String(i), i));
      }
      control(part.part === "label" ? "Class" : "Code", select);
    } else if (part.part === "continuous") {
      const box = Object.assign(document.createElement("input"), { type: "checkbox", id: "codes" });
      control("Set the continuous codes", box);
      for (let i = 0; i < part.size; i++) {
        const slider = Object.assign(document.createElement("input"), { type: "range", min: -2, max: 2, step: 0.05, value: 0 });
        slider.dataset.continuous = i;
        slider.addEventListener("input", () => (box.checked = true));
        control(`Code ${i + 1}`, slider);
      }
    }
  }
  const dim = about.input.shape[1];
  $("about").textContent = `${about.preset ?? about.model}: ${about.output.shape.slice(1).join(" x ")} from ${dim} numbers.`;
}

async function open(name, buffer) {
  $("status").textContent = `Loading ${name} ...`;
  try {
    offer(await load(buffer));
    await show();
  } catch (error) {
    $("status").textContent = `${name} cannot be used: ${error.message}`;
  }
}

for (let i = 0; i < 16; i++) {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  $("samples").append(canvas);
}
$("controls").addEventListener("input", show);
$("file").addEventListener("change", async ({ target }) => {
  if (target.files.length) await open(target.files[0].name, await target.files[0].arrayBuffer());
});
const named = new URLSearchParams(location.search).get("model") ?? "gan.onnx";
const answer = await fetch(new URL(named, location.href)).catch(() => null);
if (answer?.ok) await open(named, await answer.arrayBuffer());
else $("status").textContent = `There is no ${named} beside this page. Open a file that kerasgan exported.`;
window.kerasgan = { draw, load, vectors, describe };

// Two photos -> human's answer: its face description (faceres) and its similarity, "above 0.5 can be considered a match".
//
// The same conversation as serving.py. The variant is the folder with node_modules. The switches are those of human's
// own example of face matching; what does not concern faces is off, and so is its cache between the frames of a video.

const fs = require('fs');
const path = require('path');
const readline = require('readline');

const [folder, once, ...files] = process.argv.slice(2);
const modules = path.join(folder, 'node_modules');
const jpeg = require(path.join(modules, 'jpeg-js'));
const { Human, match } = require(path.join(modules, '@vladmandic/human/dist/human.node-wasm.js'));

const MATCH = 0.5;
const off = { enabled: false };
const settings = {
  backend: 'wasm',
  wasmPath: path.join(modules, '@tensorflow/tfjs-backend-wasm/dist') + path.sep,
  modelBasePath: `file://${path.join(modules, '@vladmandic/human/models')}${path.sep}`,
  debug: false,
  cacheSensitivity: 0,
  face: { enabled: true, detector: { rotation: true }, description: { enabled: true }, iris: off, emotion: off, antispoof: off, liveness: off },
  body: off,
  hand: off,
  object: off,
  gesture: off,
};

// Its loader of models calls fetch, and Node's knows no files.
globalThis.fetch = async (address) => {
  if (!String(address).startsWith('file:')) throw new Error(`no network here: ${address}`);
  const type = String(address).endsWith('.json') ? 'application/json' : 'application/octet-stream';
  return new Response(fs.readFileSync(new URL(address)), { headers: { 'content-type': type } });
};

// numpy's format, version 1: 6 bytes of magic, 2 of version, 2 of header length, the header, the bytes.
function readPixels(file) {
  const bytes = fs.readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  const [height, width] = bytes.toString('latin1', 10, start).match(/\((\d+), (\d+), 3\)/).slice(1).map(Number);
  return { data: bytes.subarray(start), height, width };
}

function decode(file) {
  try {
    return jpeg.decode(fs.readFileSync(file), { useTArray: true, formatAsRGBA: false });
  } catch (error) {
    console.error(file, error); // one training photo of LFW-a is cut short: it counts as one without a face
    return null;
  }
}

async function embed(human, photo) {
  const pixels = typeof photo === 'string' ? decode(photo) : photo;
  if (!pixels) return null;
  const { data, height, width } = pixels;
  const tensor = human.tf.tensor(data, [1, height, width, 3], 'float32');
  const result = await human.detect(tensor);
  tensor.dispose();
  if (result.error) throw new Error(result.error);
  return result.face.length && result.face[0].embedding ? result.face[0].embedding : null;
}

async function answer(human, left, right) {
  const wall = performance.now();
  const cpu = process.cpuUsage();
  const vectors = [await embed(human, left), await embed(human, right)];
  const found = vectors.every((vector) => vector);
  const used = process.cpuUsage(cpu);
  const accepted = found && match.similarity(vectors[0], vectors[1]) > MATCH;
  return {
    // The similarity is rounded to hundredths and cut at 0 and 1: thresholds are fitted on the distance behind it.
    score: found ? -match.distance(vectors[0], vectors[1]) : null,
    accepted,
    missing: ['left', 'right'].filter((_, i) => !vectors[i]),
    wall_s: (performance.now() - wall) / 1e3,
    cpu_s: (used.user + used.system) / 1e6,
  };
}

function say(message) {
  fs.writeSync(1, `${JSON.stringify(message)}\n`);
}

async function main() {
  console.log = console.error; // what human prints must not be taken for an answer
  const human = new Human(settings);
  await human.load();
  await human.tf.setBackend('wasm');
  await human.tf.ready();
  if (once) {
    say(await answer(human, ...files));
    return;
  }
  say({ ready: true });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    const photos = [request.left, request.right].map((file) => (request.pixels ? readPixels(file) : file));
    say(await answer(human, ...photos));
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

// The z of seeds, as kerasgan draws it: what `gan.generate(seeds=[5])` shows in Python is what this page shows.
//
// Random bits are TensorFlow's stateless ones, Philox 4x32-10 (Salmon et al. 2011), and a normal number is the quantile
// of a uniform one (Wichura 1988, algorithm AS 241).

const MULTIPLIERS = [0xd2511f53n, 0xcd9e8d57n];
const WEYL = [0x9e3779b9, 0xbb67ae85];
const SCRAMBLE = [0x3ec8f720, 0x02461e29]; // the key by which TensorFlow mixes a seed

// One block: a key of two and a counter of four 32-bit numbers -> four such numbers.
function philox(key, counter) {
  let [k0, k1] = key;
  let [c0, c1, c2, c3] = counter;
  for (let round = 0; round < 10; round++) {
    const first = MULTIPLIERS[0] * BigInt(c0);
    const second = MULTIPLIERS[1] * BigInt(c2);
    [c0, c1, c2, c3] = [
      (Number(second >> 32n) ^ c1 ^ k0) >>> 0,
      Number(second & 0xffffffffn),
      (Number(first >> 32n) ^ c3 ^ k1) >>> 0,
      Number(first & 0xffffffffn),
    ];
    k0 = (k0 + WEYL[0]) >>> 0;
    k1 = (k1 + WEYL[1]) >>> 0;
  }
  return [c0, c1, c2, c3];
}

// tf.random.stateless_uniform([n], seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox").
// A seed is a pair of BigInts from 0 to below 2^64.
export function randomBits(n, seed) {
  const halves = seed.flatMap((part) => [Number(part & 0xffffffffn), Number((part >> 32n) & 0xffffffffn)]);
  const mixed = philox(SCRAMBLE, halves);
  const bits = [];
  for (let block = 0; bits.length < n; block++) {
    bits.push(...philox([mixed[0], mixed[1]], [block, 0, mixed[2], mixed[3]]));
  }
  return bits.slice(0, n);
}

// tf.random.split(seed, 2): two seeds of one.
function split(seed) {
  const bits = randomBits(8, seed).map(BigInt);
  const whole = [0, 2, 4, 6].map((i) => bits[i] | (bits[i + 1] << 32n));
  return [whole.slice(0, 2), whole.slice(2)];
}

// Float32 numbers in (0, 1): the middles of 2^24 equal cells.
function uniform(n, seed) {
  return randomBits(n, seed).map((bits) => Math.min(Math.fround((bits >>> 8) + 0.5) * 2 ** -24, 1 - 2 ** -24));
}

const CENTRE = [
  [3.387132872796366608, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125, 45921.953931549871457,
    67265.770927008700853, 33430.575583588128105, 2509.0809287301226727],
  [1, 42.313330701600911252, 687.1870074920579083, 5394.1960214247511077, 21213.794301586595867, 39307.89580009271061,
    28729.085735721942674, 5226.495278852854561],
];
const MIDDLE = [
  [1.42343711074968357734, 4.6303378461565452959, 5.7694972214606914055, 3.64784832476320460504, 1.27045825245236838258,
    0.24178072517745061177, 0.0227238449892691845833, 7.7454501427834140764e-4],
  [1, 2.05319162663775882187, 1.6763848301838038494, 0.68976733498510000455, 0.14810397642748007459,
    0.0151986665636164571966, 5.475938084995344946e-4, 1.05075007164441684324e-9],
];
const TAIL = [
  [6.6579046435011037772, 5.4637849111641143699, 1.7848265399172913358, 0.29656057182850489123, 0.026532189526576123093,
    0.0012426609473880784386, 2.71155556874348757815e-5, 2.01033439929228813265e-7],
  [1, 0.59983220655588793769, 0.13692988092273580531, 0.0148753612908506148525, 7.868691311456132591e-4,
    1.8463183175100546818e-5, 1.4215117583164458887e-7, 2.04426310338993978564e-15],
];

const polynomial = (factors, x) => factors.reduceRight((sum, factor) => sum * x + factor, 0);
const ratio = ([above, below], x) => polynomial(above, x) / polynomial(below, x);

export function normalQuantile(p) {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * ratio(CENTRE, 0.180625 - q * q);
  const r = Math.sqrt(-Math.log(Math.min(p, 1 - p)));
  return Math.sign(q) * (r <= 5 ? ratio(MIDDLE, r - 1.6) : ratio(TAIL, r - 5));
}

function noise(part, seed) {
  const u = uniform(part.size, seed);
  if (part.kind === "Normal") return u.map(normalQuantile);
  if (part.kind === "Uniform") return u.map((x) => part.low + (part.high - part.low) * x);
  throw new Error(`This page knows no noise of the kind ${part.kind}.`);
}

// The numbers of z for a seed, in the order of the file's `latent`.
export function fromSeed(latent, seed) {
  const whole = [BigInt(seed), 0n];
  const [first, ...others] = latent;
  if (!others.length) return noise(first, whole);
  const [ofNoise, ofOthers] = split(whole);
  const z = noise(first, ofNoise);
  const labels = others.filter((part) => part.part === "label");
  if (labels.length && others.length > 1) throw new Error("This page knows no GAN with both classes and codes.");
  const count = others.reduce((sum, part) => sum + (part.part === "continuous" ? part.size : 1), 0);
  const u = uniform(count, ofOthers);
  for (const part of others) {
    if (part.part === "continuous") {
      z.push(...u.splice(0, part.size).map((x) => 2 * x - 1));
    } else {
      const x = u.shift();
      z.push(...oneHot(part.part === "label" ? classOf(part, x) : Math.floor(Math.fround(x * part.size)), part.size));
    }
  }
  return z;
}

function classOf(part, x) {
  const shares = part.shares ?? Array(part.size).fill(1 / part.size);
  let end = 0;
  return shares.slice(0, -1).filter((share) => x >= Math.fround((end += share))).length;
}

export const oneHot = (index, size) => Array.from({ length: size }, (_, i) => (i === index ? 1 : 0));

// Between two vectors: their noise on a great circle where it is normal (Shoemake 1985), else straight, and so the rest.
export function between(latent, first, last, share) {
  const { size, kind } = latent[0];
  const mix = first.map((x, i) => (1 - share) * x + share * last[i]);
  if (kind !== "Normal") return mix;
  const length = (z) => Math.hypot(...z);
  const [a, b] = [first.slice(0, size), last.slice(0, size)];
  const [la, lb] = [length(a), length(b)];
  const angle = Math.acos(Math.max(-1, Math.min(1, a.reduce((sum, x, i) => sum + x * b[i], 0) / (la * lb))));
  if (!(Math.sin(angle) > 1e-6)) return mix;
  const [s, t] = [Math.sin((1 - share) * angle), Math.sin(share * angle)].map((x) => x / Math.sin(angle));
  const long = (1 - share) * la + share * lb;
  return [...a.map((x, i) => (s * x / la + t * b[i] / lb) * long), ...mix.slice(size)];
}

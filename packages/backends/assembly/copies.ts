/** Outermost blocks in a unit of {@link copyBlocks}, rows in one of {@link gatherRows}. */
const BLOCKS = 16;
/** Words in a unit of {@link fill}. */
const WORDS = 16384;

/**
 * Copies words between layouts of four dimensions: parts, joins, repetitions and transposes. Arguments: from, to, the sizes of the
 * three outer dimensions and of the last, then the words from one to the next in each outer dimension, of `from` and of `to`, and in
 * the last, of both.
 */
export function copyBlocks(args: usize, unit: i32): void {
  const width = load<i32>(args, 20);
  const middle = load<i32>(args, 12);
  const inner = load<i32>(args, 16);
  const fromStep = load<i32>(args, 48);
  const toStep = load<i32>(args, 52);
  const rows = fromStep === 1 && toStep === 1;
  for (let i = unit * BLOCKS, end = min(i + BLOCKS, load<i32>(args, 8)); i < end; i++) {
    for (let j = 0; j < middle; j++) {
      let from = load<usize>(args) + ((<usize>(i * load<i32>(args, 24) + j * load<i32>(args, 28))) << 2);
      let to = load<usize>(args, 4) + ((<usize>(i * load<i32>(args, 36) + j * load<i32>(args, 40))) << 2);
      for (let k = 0; k < inner; k++) {
        if (rows) copyRow(from, to, width);
        else copyWords(from, fromStep, to, toStep, width);
        from += (<usize>load<i32>(args, 32)) << 2;
        to += (<usize>load<i32>(args, 44)) << 2;
      }
    }
  }
}

function copyWords(from: usize, fromStep: i32, to: usize, toStep: i32, count: i32): void {
  for (; count > 0; count--, from += (<usize>fromStep) << 2, to += (<usize>toStep) << 2) {
    store<i32>(to, load<i32>(from));
  }
}

/** The same word everywhere. Arguments: out, count, the word. */
export function fill(args: usize, unit: i32): void {
  const word = v128.load_splat<i32>(args, 8);
  const out = load<usize>(args);
  let i = unit * WORDS;
  const end = min(i + WORDS, load<i32>(args, 4));
  for (; i + 4 <= end; i += 4) v128.store(out + ((<usize>i) << 2), word);
  for (; i < end; i++) store<i32>(out + ((<usize>i) << 2), load<i32>(args, 8));
}

/**
 * Says of ids that are no row of a table: the first one goes to `status`, one word after it the number of rows. Arguments: ids, number
 * of ids, number of rows, status.
 */
export function checkIds(args: usize, _unit: i32): void {
  const ids = load<usize>(args);
  const rows = load<i32>(args, 8);
  const status = load<usize>(args, 12);
  for (let i = 0, count = load<i32>(args, 4); i < count; i++) {
    const id = load<i32>(ids + ((<usize>i) << 2));
    if (<u32>id < <u32>rows) continue;
    store<i32>(status, id);
    store<i32>(status, rows, 4);
    return;
  }
}

/** Arguments: table, ids, out, number of ids, floats in a row, number of rows; what has another id stays as it is. */
export function gatherRows(args: usize, unit: i32): void {
  const width = load<i32>(args, 16);
  const row = (<usize>width) << 2;
  for (let i = unit * BLOCKS, end = min(i + BLOCKS, load<i32>(args, 12)); i < end; i++) {
    const id = load<i32>(load<usize>(args, 4) + ((<usize>i) << 2));
    if (<u32>id >= <u32>load<i32>(args, 20)) continue;
    copyRow(load<usize>(args) + <usize>id * row, load<usize>(args, 8) + <usize>i * row, width);
  }
}

/**
 * Writes rows into a tensor, each where its index says: `[number of rows, rank]`, the dimensions from the outermost. Arguments: indices,
 * rows, out, number of rows, rank, words in a row, then the rows from one to the next in each of four dimensions, and how many there are;
 * a row with another index is left out.
 */
export function scatterRows(args: usize, _unit: i32): void {
  const rank = load<i32>(args, 16);
  const width = load<i32>(args, 20);
  const row = (<usize>width) << 2;
  let index = load<usize>(args);
  for (let i = 0, count = load<i32>(args, 12); i < count; i++) {
    let at = 0;
    for (let axis = 0; axis < rank; axis++, index += 4) {
      at += load<i32>(index) * load<i32>(args + ((<usize>axis) << 2), 24);
    }
    if (<u32>at >= <u32>load<i32>(args, 40)) continue;
    copyRow(load<usize>(args, 4) + <usize>i * row, load<usize>(args, 8) + <usize>at * row, width);
  }
}

function copyRow(from: usize, to: usize, width: i32): void {
  for (; width >= 4; width -= 4, from += 16, to += 16) v128.store(to, v128.load(from));
  for (; width > 0; width--, from += 4, to += 4) store<f32>(to, load<f32>(from));
}

/** Outermost blocks in a unit of {@link copyBlocks}, rows in one of {@link gatherRows}. */
const BLOCKS = 16;

/**
 * Copies rows of floats between layouts of three dimensions: parts, joins and transposes. Arguments: from, to, the three sizes,
 * floats in a row, then the floats from one to the next in each dimension, of `from` and of `to`.
 */
export function copyBlocks(args: usize, unit: i32): void {
  const width = load<i32>(args, 20);
  const middle = load<i32>(args, 12);
  const inner = load<i32>(args, 16);
  for (let i = unit * BLOCKS, end = min(i + BLOCKS, load<i32>(args, 8)); i < end; i++) {
    for (let j = 0; j < middle; j++) {
      let from = load<usize>(args) + ((<usize>(i * load<i32>(args, 24) + j * load<i32>(args, 28))) << 2);
      let to = load<usize>(args, 4) + ((<usize>(i * load<i32>(args, 36) + j * load<i32>(args, 40))) << 2);
      for (let k = 0; k < inner; k++) {
        copyRow(from, to, width);
        from += (<usize>load<i32>(args, 32)) << 2;
        to += (<usize>load<i32>(args, 44)) << 2;
      }
    }
  }
}

/** Arguments: table, ids, out, number of ids, floats in a row. */
export function gatherRows(args: usize, unit: i32): void {
  const width = load<i32>(args, 16);
  const row = (<usize>width) << 2;
  for (let i = unit * BLOCKS, end = min(i + BLOCKS, load<i32>(args, 12)); i < end; i++) {
    const id = load<i32>(load<usize>(args, 4) + ((<usize>i) << 2));
    copyRow(load<usize>(args) + <usize>id * row, load<usize>(args, 8) + <usize>i * row, width);
  }
}

function copyRow(from: usize, to: usize, width: i32): void {
  for (; width >= 4; width -= 4, from += 16, to += 16) v128.store(to, v128.load(from));
  for (; width > 0; width--, from += 4, to += 4) store<f32>(to, load<f32>(from));
}

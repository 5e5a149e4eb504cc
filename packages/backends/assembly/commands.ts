// A kernel's work is cut into units that do not depend on each other, the same units however many threads there are, so that
// results are equal bit for bit. A command says what is to be done: 32-bit words
//
//   kernel, units, next unit to be taken, units done, arguments …

import { combine, convert, transform } from './arithmetic';
import { attention, attentionGradient, attentionOfFew } from './attention';
import { checkIds, copyBlocks, fill, gatherRows, scatterRows } from './copies';
import { dropout } from './dropout';
import {
  activation,
  activationGradient,
  adamW,
  rootOfSum,
  scale,
  squaredSums,
  swiglu,
  swigluGradient,
} from './elementwise';
import { multiply, multiplyFew, multiplyFewTransposed, packForProduct } from './mat-mul';
import { reduce, softmax } from './reductions';
import {
  crossEntropy,
  crossEntropyGradient,
  embeddingGradient,
  layerNorm,
  normGradient,
  rmsNorm,
  rope,
  sumRows,
} from './rows';

/** The bytes of a command. */
export const COMMAND: usize = 128;
/** Where its arguments begin. */
export const ARGUMENTS: usize = 16;

/** Does one unit of a command. */
// The numbers stand in src/wasm/kernels.ts too.
export function apply(kernel: i32, args: usize, unit: i32, scratch: usize): void {
  switch (kernel) {
    case 0:
      packForProduct(args, unit);
      break;
    case 1:
      multiply(args, unit, scratch);
      break;
    case 2:
      multiplyFewTransposed(args, unit);
      break;
    case 3:
      multiplyFew(args, unit);
      break;
    case 4:
      activation(args, unit);
      break;
    case 5:
      activationGradient(args, unit);
      break;
    case 6:
      swiglu(args, unit);
      break;
    case 7:
      swigluGradient(args, unit);
      break;
    case 8:
      scale(args, unit);
      break;
    case 9:
      squaredSums(args, unit);
      break;
    case 10:
      rootOfSum(args, unit);
      break;
    case 11:
      adamW(args, unit);
      break;
    case 12:
      layerNorm(args, unit);
      break;
    case 13:
      normGradient(args, unit);
      break;
    case 14:
      rmsNorm(args, unit);
      break;
    case 15:
      sumRows(args, unit);
      break;
    case 16:
      embeddingGradient(args, unit);
      break;
    case 17:
      crossEntropy(args, unit);
      break;
    case 18:
      crossEntropyGradient(args, unit);
      break;
    case 19:
      rope(args, unit);
      break;
    case 20:
      attention(args, unit, scratch);
      break;
    case 21:
      attentionGradient(args, unit, scratch);
      break;
    case 22:
      attentionOfFew(args, unit, scratch);
      break;
    case 23:
      copyBlocks(args, unit);
      break;
    case 24:
      gatherRows(args, unit);
      break;
    case 25:
      combine(args, unit);
      break;
    case 26:
      transform(args, unit);
      break;
    case 27:
      convert(args, unit);
      break;
    case 28:
      reduce(args, unit);
      break;
    case 29:
      softmax(args, unit);
      break;
    case 30:
      fill(args, unit);
      break;
    case 31:
      checkIds(args, unit);
      break;
    case 32:
      scatterRows(args, unit);
      break;
    case 33:
      dropout(args, unit);
      break;
    default:
      unreachable();
  }
}

/** Runs a list of commands on the calling thread alone. */
export function run(commands: usize, count: i32, scratch: usize): void {
  for (let end = commands + <usize>count * COMMAND; commands < end; commands += COMMAND) {
    const kernel = load<i32>(commands);
    const units = load<i32>(commands, 4);
    for (let unit = 0; unit < units; unit++) apply(kernel, commands + ARGUMENTS, unit, scratch);
  }
}

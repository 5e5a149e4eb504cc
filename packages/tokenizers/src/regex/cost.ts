import { loopIsDeterministic } from './determinism.ts';
import type { Node } from './syntax.ts';

/** Repetitions of more than this, or that may take more characters, are loops: they may take as many as there are. */
const MAX_COUNT = 16;
const MAX_CHARACTERS = 256;
/** In more ways than this, loops aside, an expression must not match one text. */
const MAX_WAYS = 10_000;
/** Steps that a search may take, about a nanosecond each: this many, and this many more for each character of the text. */
const BASE_STEPS = 2e8;
const STEPS_PER_CHARACTER = 1000;

type Repeat = Extract<Node, { kind: 'repeat' }>;

/** An alternative of which an attempt to match may read more than it consumes. */
interface Risk {
  /** Runs of the characters that its loops take. */
  readonly runs: RegExp;
  /** Characters that it begins with. */
  readonly starts: RegExp;
  /** How far before a run it may begin. */
  readonly before: number;
  readonly ways: number;
  readonly degree: number;
}

/**
 * A test that says whether JavaScript's engine, which backtracks, finds all matches in a text in reasonable time; undefined
 * where there may be none such.
 *
 * It is linear where an attempt to match consumes what it reads. An attempt reads more where something that can fail comes
 * behind a loop, which then gives back one character after another. With d such loops an attempt within a run of n
 * characters that the loops take needs up to n^d steps. So long runs decide, and how many attempts may begin in them.
 */
export function stepTest(root: Node): ((text: string) => boolean) | undefined {
  const risks: Risk[] = [];
  for (const option of alternatives(root)) {
    const ways = waysOf(option);
    if (ways > MAX_WAYS) return undefined;
    const degree = degreeOf(option, false);
    if (degree === 0) continue;
    risks.push({
      runs: runsOf(loopsOf(option).flatMap(setsOf)),
      starts: runsOf(firstsOf(option)),
      before: mostCharacters(option, 0),
      ways,
      degree,
    });
  }
  return (text) => {
    const most = BASE_STEPS + STEPS_PER_CHARACTER * text.length;
    return risks.every((risk) => worstCase(risk, text.length) <= most || stepsIn(text, risk) <= most);
  };
}

function worstCase({ ways, degree }: Risk, length: number): number {
  return ways * length ** (degree + 1);
}

function stepsIn(text: string, { runs, starts, before, ways, degree }: Risk): number {
  let steps = 0;
  for (const { 0: run, index } of text.matchAll(runs)) {
    let attempts = 0;
    for (const [begun] of text.slice(Math.max(0, index - before), index + run.length).matchAll(starts))
      attempts += begun.length;
    steps += ways * attempts * run.length ** degree;
  }
  return steps;
}

function runsOf(sets: readonly string[]): RegExp {
  return new RegExp(`[${[...new Set(sets)].join('')}]+`, 'gv');
}

function alternatives(node: Node): readonly Node[] {
  if (node.kind === 'capture') return alternatives(node.body);
  return node.kind === 'choice' ? node.options.flatMap(alternatives) : [node];
}

function children(node: Node): readonly Node[] {
  if (node.kind === 'sequence') return node.items;
  if (node.kind === 'choice') return node.options;
  return 'body' in node ? [node.body] : [];
}

function isLoop(node: Repeat): boolean {
  const characters = mostCharacters(node.body, Infinity);
  return node.max > MAX_COUNT || (characters < Infinity && node.max * characters > MAX_CHARACTERS);
}

/** The most characters that a node may take, with as many as `loop` for each of its loops. */
function mostCharacters(node: Node, loop: number): number {
  if (node.kind === 'set') return 1;
  if (node.kind === 'look') return 0;
  const most = children(node).map((child) => mostCharacters(child, loop));
  if (node.kind === 'choice') return Math.max(...most);
  const sum = most.reduce((total, count) => total + count, 0);
  if (node.kind !== 'repeat' || sum === 0) return sum;
  return node.max > MAX_COUNT || node.max * sum > MAX_CHARACTERS ? loop : node.max * sum;
}

/** The sets that a match may begin with. */
function firstsOf(node: Node): string[] {
  if (node.kind === 'set') return [node.source];
  if (node.kind !== 'sequence') return children(node).flatMap(firstsOf);
  const needed = node.items.findIndex(takesSomething);
  return node.items.slice(0, needed < 0 ? undefined : needed + 1).flatMap(firstsOf);
}

function takesSomething(node: Node): boolean {
  if (node.kind === 'set') return true;
  if (node.kind === 'look') return false;
  if (node.kind === 'repeat') return node.min > 0 && takesSomething(node.body);
  return node.kind === 'choice' ? node.options.every(takesSomething) : children(node).some(takesSomething);
}

/** All loops in a node, as often as they stand there. */
function loopsOf(node: Node): Repeat[] {
  const inside = children(node).flatMap(loopsOf);
  if (node.kind !== 'repeat') return inside;
  return isLoop(node) ? [node, ...inside] : Array.from({ length: node.max }, () => inside).flat();
}

function setsOf(node: Node): string[] {
  return node.kind === 'set' ? [node.source] : children(node).flatMap(setsOf);
}

/** In how many ways a node may match the texts that begin at one place; a loop counts as two where it is sure not to explode. */
function waysOf(node: Node): number {
  const inside = children(node).map(waysOf);
  switch (node.kind) {
    case 'reference':
      return Infinity;
    case 'anchor':
      return node.anchor === 'search-start' ? Infinity : 1; // JavaScript has no \G
    case 'choice':
      return inside.reduce((sum, ways) => sum + ways, 0);
    case 'atomic':
    case 'look':
      return inside[0]! > MAX_WAYS ? Infinity : 1;
    case 'repeat': {
      const counts = isLoop(node) && node.max > node.min ? 2 : Math.min(node.max - node.min + 1, MAX_COUNT);
      const isOne = inside[0] === 1;
      const ways = isOne ? counts : isLoop(node) ? Infinity : inside[0]! ** node.max * counts;
      return ways > MAX_WAYS && loopIsDeterministic(node.body) ? counts : ways;
    }
    default:
      return inside.reduce((product, ways) => product * ways, 1);
  }
}

/** How many loops may give back one character after another because what comes behind them fails. */
function degreeOf(node: Node, restCanFail: boolean): number {
  switch (node.kind) {
    case 'sequence': {
      let total = 0;
      let failsBehind = restCanFail;
      for (const item of node.items.toReversed()) {
        total += degreeOf(item, failsBehind);
        failsBehind ||= canFail(item);
      }
      return total;
    }
    case 'choice':
      return Math.max(...node.options.map((option) => degreeOf(option, restCanFail)));
    case 'capture':
    case 'atomic':
      return degreeOf(node.body, restCanFail);
    case 'look':
      return degreeOf(node.body, true); // it consumes nothing of what it reads
    case 'repeat': {
      if (!isLoop(node)) return node.max * degreeOf(node.body, restCanFail || node.max > 1);
      const failsBehind = restCanFail || node.min > 1;
      const inside = degreeOf(node.body, failsBehind);
      if (inside > 0 && !loopIsDeterministic(node.body)) return inside + 1;
      return failsBehind || inside > 0 ? 1 : 0;
    }
    default:
      return 0;
  }
}

function canFail(node: Node): boolean {
  switch (node.kind) {
    case 'sequence':
      return node.items.some(canFail);
    case 'choice':
      return node.options.every(canFail);
    case 'capture':
    case 'atomic':
      return canFail(node.body);
    case 'repeat':
      return node.min > 0 && canFail(node.body);
    default:
      return true;
  }
}

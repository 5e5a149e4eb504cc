// Lists of commands, by several threads. Whoever comes takes the next unit that is left, and a list is done when its units are:
// nobody waits for a thread that has not come. A thread that sleeps too long, or that the system does not run, costs nothing,
// unless it stopped in the middle of a unit.
//
// The threads meet at these words, one offset each:
//
//   0 how many lists there have been, 1 threads that wait for the next one, 2 threads that wait for a unit, 3 whether the first
//   thread may sleep, 4 where the threads' own memory begins, 5 how many bytes of it each has
//
// and from byte 64 on at the four lists that are used in turn, 16 bytes each:
//
//   0 whether it may be joined, 1 threads that have joined it, 2 its commands, 3 how many

import { ARGUMENTS, apply, COMMAND } from './commands';

const WAITING_FOR_LIST: usize = 4;
const WAITING_FOR_UNIT: usize = 8;
const MAY_SLEEP: usize = 12;
const SCRATCH: usize = 16;
const SCRATCH_SIZE: usize = 20;
const LISTS = 4;
const FIRST_LIST: usize = 64;

/** So often a thread looks before it goes to sleep: some ten microseconds. */
const LOOKS = 5000;

function listOf(sync: usize, generation: i32): usize {
  return sync + FIRST_LIST + ((<usize>(generation & (LISTS - 1))) << 4);
}

/** Where the next list may be written to: the place that {@link runTogether} is to be told. */
export function nextList(sync: usize): i32 {
  const generation = atomic.load<i32>(sync) + 1;
  const list = listOf(sync, generation);
  // Threads that came late have nothing to do there, but they must have seen that.
  while (atomic.load<i32>(list, 4) !== 0) {}
  return generation & (LISTS - 1);
}

/** Runs a list; the other threads help where they can. */
export function runTogether(sync: usize, commands: usize, count: i32): void {
  const list = listOf(sync, atomic.load<i32>(sync) + 1);
  store<usize>(list, commands, 8);
  store<i32>(list, count, 12);
  atomic.store<i32>(list, 1);
  atomic.add<i32>(sync, 1);
  if (atomic.load<i32>(sync, WAITING_FOR_LIST) > 0) atomic.notify(sync, -1);
  takePart(sync, commands, count, load<usize>(sync, SCRATCH), load<i32>(sync, MAY_SLEEP) !== 0);
  atomic.store<i32>(list, 0);
}

/** What thread 1, 2, … does all its life. */
export function serve(sync: usize, thread: i32): void {
  let seen = 0;
  for (;;) {
    let looks = 0;
    while (atomic.load<i32>(sync) === seen) {
      if (++looks < LOOKS) continue;
      atomic.add<i32>(sync, 1, WAITING_FOR_LIST);
      atomic.wait<i32>(sync, seen, -1);
      atomic.sub<i32>(sync, 1, WAITING_FOR_LIST);
    }
    seen = atomic.load<i32>(sync);
    const list = listOf(sync, seen);
    atomic.add<i32>(list, 1, 4);
    if (atomic.load<i32>(list) !== 0) {
      const own = load<usize>(sync, SCRATCH) + <usize>thread * load<usize>(sync, SCRATCH_SIZE);
      takePart(sync, load<usize>(list, 8), load<i32>(list, 12), own, true);
    }
    atomic.sub<i32>(list, 1, 4);
  }
}

function takePart(sync: usize, commands: usize, count: i32, scratch: usize, maySleep: bool): void {
  for (let end = commands + <usize>count * COMMAND; commands < end; commands += COMMAND) {
    const kernel = load<i32>(commands);
    const units = load<i32>(commands, 4);
    for (;;) {
      const unit = atomic.add<i32>(commands, 1, 8);
      if (unit >= units) break;
      apply(kernel, commands + ARGUMENTS, unit, scratch);
      const done = atomic.add<i32>(commands, 1, 12) + 1;
      if (done === units && atomic.load<i32>(sync, WAITING_FOR_UNIT) > 0) atomic.notify(commands + 12, -1);
    }
    // The next command may read what another thread is still writing.
    let looks = 0;
    for (;;) {
      const done = atomic.load<i32>(commands, 12);
      if (done >= units) break;
      if (!maySleep || ++looks < LOOKS) continue;
      atomic.add<i32>(sync, 1, WAITING_FOR_UNIT);
      atomic.wait<i32>(commands + 12, done, -1);
      atomic.sub<i32>(sync, 1, WAITING_FOR_UNIT);
    }
  }
}

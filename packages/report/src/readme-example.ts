import { barChart, renderPage } from '@minigpt/report';

const bars = ['u', 'ü', '␣'].map((label, i) => ({ label, value: 1 / (1 + 9 * i) }));
const html = barChart({ title: 'After “q”', bars });
const blocks = [{ kind: 'figure', html, caption: 'Counted in *Moby-Dick*.' }] as const;
console.log(renderPage({ title: 'What follows q', lead: 'Nearly always the same letter.', blocks }));

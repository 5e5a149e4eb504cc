import { RMSNorm } from '@minigpt/layers';
import { testLayer } from '@minigpt/testing';

testLayer('RMSNorm', () => new RMSNorm({ size: 8 }), { input: [2, 3, 8], output: [2, 3, 8] });

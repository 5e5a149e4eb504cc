import '@tensorflow/tfjs-backend-cpu';
import { Module, parameter, parameters, valueAndGrads } from '@minigpt/core';
import * as tf from '@tensorflow/tfjs-core';

class Scale extends Module {
  readonly weight = parameter(tf.tensor1d([1, 2, 3])); // the field's name is its name in a checkpoint
  protected override forward = (x: tf.Tensor) => tf.mul(this.weight, x);
}
const [model, x] = [new Scale(), tf.tensor1d([4, 5, 6])];
console.log(valueAndGrads(() => tf.sum(model.call(x)), parameters(model)).grads); // Map { 'weight' => [4, 5, 6] }

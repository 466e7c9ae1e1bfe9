import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

const require = createRequire(import.meta.url);
const packageFolder = dirname(require.resolve('@vladmandic/face-api/package.json'));
const wasmFolder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm'));

/** What the descriptors are: 128 numbers for a face, by the ResNet-34 that dlib trained and face-api carries. */
export const dim = 128;

/** Where the package keeps its sample photographs. */
export const photographs = [1, 2, 3, 4, 5, 6].map((n) => join(packageFolder, 'demo', `sample${n}.jpg`));

/**
 * Loads the model, which then runs in this process, in WebAssembly. It is loaded by `require`, as it knows no other way.
 *
 * Answers a function that finds and embeds the faces of a decoded picture, from left to right:
 * `{ box: { x, y, width, height }, descriptor }`, in pixels and 128 floats. `minConfidence`, 0 to 1, is how sure the
 * detector must be of a face. It takes about half a second for a picture, and answers the same for the same pixels.
 */
export async function openFaces() {
  const tf = require('@tensorflow/tfjs');
  // The folder and nothing else: told that it is a prefix, the backend would fetch from it, and files are not fetched.
  require('@tensorflow/tfjs-backend-wasm').setWasmPaths(join(wasmFolder, '/'));
  const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js');
  await tf.setBackend('wasm');
  await tf.ready();
  const { ssdMobilenetv1, faceLandmark68Net, faceRecognitionNet } = faceapi.nets;
  for (const net of [ssdMobilenetv1, faceLandmark68Net, faceRecognitionNet]) {
    await net.loadFromDisk(join(packageFolder, 'model'));
  }

  return async function find({ width, height, data }, minConfidence) {
    // The model computes without ever letting anything else have its turn, Ctrl-C included.
    await turn();
    const tensor = tf.tensor3d(data, [height, width, 3], 'int32');
    const options = new faceapi.SsdMobilenetv1Options({ minConfidence });
    const found = await faceapi.detectAllFaces(tensor, options).withFaceLandmarks().withFaceDescriptors();
    tensor.dispose();
    return found
      .map(({ detection: { box }, descriptor }) => ({
        box: { x: box.x, y: box.y, width: box.width, height: box.height },
        descriptor,
      }))
      .sort((a, b) => a.box.x - b.box.x);
  };
}

/** The functions of TensorFlow's C interface that compute or start threads: result, name, parameters, arguments. */
const guarded = [
  ['TFE_Context*', 'TFE_NewContext', 'const TFE_ContextOptions* a, TF_Status* b', 'a, b'],
  ['void', 'TFE_Execute', 'TFE_Op* a, TFE_TensorHandle** b, int* c, TF_Status* d', 'a, b, c, d'],
  ['TF_Tensor*', 'TFE_TensorHandleResolve', 'TFE_TensorHandle* a, TF_Status* b', 'a, b'],
  [
    'TFE_TensorHandle*',
    'TFE_TensorHandleCopyToDevice',
    'TFE_TensorHandle* a, TFE_Context* b, const char* c, TF_Status* d',
    'a, b, c, d',
  ],
  [
    'TF_Session*',
    'TF_LoadSessionFromSavedModel',
    'const TF_SessionOptions* a, const TF_Buffer* b, const char* c, const char* const* d, int e, ' +
      'TF_Graph* f, TF_Buffer* g, TF_Status* h',
    'a, b, c, d, e, f, g, h',
  ],
  [
    'void',
    'TF_SessionRun',
    'TF_Session* a, const TF_Buffer* b, const TF_Output* c, TF_Tensor* const* d, int e, const TF_Output* f, ' +
      'TF_Tensor** g, int h, const TF_Operation* const* i, int j, TF_Buffer* k, TF_Status* l',
    'a, b, c, d, e, f, g, h, i, j, k, l',
  ],
] as const;

/**
 * C++ that keeps signals away from TensorFlow; it is linked into the binding.
 *
 * A signal's handler runs on the stack of the thread that it interrupts, and matmul kernels of TensorFlow 2.21 use the
 * stack pointer for data on some processors: a resized terminal or a child's exit during a matmul corrupted the heap.
 * So these functions run with signals blocked, and the threads that they start inherit this for good. A signal goes to
 * another of Node's threads at once, or waits for the end of the operation. Faults of the thread's own (SIGSEGV and
 * the like) stay unblocked.
 */
export const signalGuardSource = `
#include <signal.h>
#include <initializer_list>
#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"

namespace {
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t signals;
    sigfillset(&signals);
    for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&signals, fault);
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};
}  // namespace

extern "C" {
${guarded
  .map(
    ([result, name, parameters, args]) => `
decltype(${name}) __real_${name};
${result} __wrap_${name}(${parameters}) {
  SignalsBlocked blocked;
  return __real_${name}(${args});
}`,
  )
  .join('\n')}
}
`;

/** Has the linker send the binding's calls of these functions through the guard. */
export const signalGuardLinkerOption = `-Wl${guarded.map(([, name]) => `,--wrap=${name}`).join('')}`;

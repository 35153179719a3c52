// expect: numbers_must_be_of_type_size_t<.*int
#include "llama2/shape/memory_plan.hpp"

struct Shape {
  static constexpr int dim = 8, hidden_dim = 4, layers = 1, heads = -8, kv_heads = -8, vocab = 8,
                       context = 8;
};

template <llama2::ModelShape S>
struct Model {};

Model<Shape> model;

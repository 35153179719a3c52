// expect: vocab_must_be_between_4_and_2_to_the_24<3(U?L)*>
#include "llama2/shape/memory_plan.hpp"

struct Shape {
  static constexpr std::size_t dim = 8, hidden_dim = 4, layers = 1, heads = 2, kv_heads = 1,
                               vocab = 3, context = 8;
};

template <llama2::ModelShape S>
struct Model {};

Model<Shape> model;

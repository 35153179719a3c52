// Small plots as SVG, readable on a phone: values with intervals, calibration, a scatter of points.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama2/base/config.hpp"
#include "llama2/eval/html.hpp"

namespace llama2::inline LLAMA2_ABI {

/// A value with its interval; the ends equal the value where there is none.
struct PlotValue {
  double value;
  double low;
  double high;
};

/// A line of a `dot_plot`: a value for each series, where there is one.
struct PlotRow {
  std::string label;
  std::vector<std::optional<PlotValue>> values;
  std::optional<double> chance{};  ///< what guessing reaches: a tick
};

/// A point of a `scatter_plot`.
struct PlotPoint {
  std::string label;
  double x;
  PlotValue y;
};

/// A bin of a `calibration_plot`.
struct PlotBin {
  double confidence;
  double accuracy;
  double share;  ///< of the items, in [0, 1]
};

/// What the classes of the plots look like, on the colours of `page_colours`.
inline constexpr std::string_view plot_style = R"css(
svg.plot { display: block; width: 100%; max-width: 30rem; height: auto; }
.plot text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  fill: var(--ink); paint-order: stroke; stroke: var(--panel); stroke-width: 3px; }
.plot .small { font-size: 11px; fill: var(--faint); }
.plot .head { font-weight: 600; }
.plot .grid { stroke: var(--line); stroke-width: 1; }
.plot .chance { stroke: var(--faint); stroke-width: 2; stroke-dasharray: 2 2; }
.plot .s0 { stroke: var(--first); fill: var(--first); }
.plot .s1 { stroke: var(--second); fill: var(--second); }
.plot .s2 { stroke: var(--third); fill: var(--third); }
.plot .s3 { stroke: var(--fourth); fill: var(--fourth); }
.plot .s4 { stroke: var(--fifth); fill: var(--fifth); }
.plot .whisker { stroke-width: 2; }
.plot .mark { stroke: none; }
.plot .open { fill-opacity: .3; }
)css";

namespace detail {

inline std::string fixed(double value, int digits = 1) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}
inline std::string short_number(double value, int digits = 4) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return text;
}

/// A number at an axis: "0.25", "15k".
inline std::string tick_text(double value, int digits = 4) {
  return std::abs(value) >= 1e4 && std::abs(value) < 1e7 ? short_number(value / 1000, digits) + 'k'
                                                         : short_number(value, digits);
}

/// Digits that tell the numbers at an axis apart, `least` or more.
inline int tick_digits(std::span<const double> values, int least) {
  int digits = least;
  const auto same = [&](double a, double b) {
    return tick_text(a, digits) == tick_text(b, digits);
  };
  while (digits < 9 && std::ranges::adjacent_find(values, same) != values.end()) ++digits;
  return digits;
}

/// At most `most` characters, the last an ellipsis where some were left out; escaped.
inline std::string plot_text(std::string_view text, std::size_t most) {
  std::size_t characters = 0, end = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0u) == 0x80u) continue;
    if (characters + 1 == most) end = i;
    if (++characters > most) return html_escaped(text.substr(0, end)) + "\u2026";
  }
  return html_escaped(text);
}

/// Round numbers, three to seven of them, within [low, high].
inline std::vector<double> ticks(double low, double high) {
  const double span = high - low;
  if (!(span > 0) || !std::isfinite(span)) return {low};
  const double power = std::pow(10.0, std::floor(std::log10(span)));
  double step = power;
  for (const double factor : {0.1, 0.2, 0.25, 0.5, 1.0})
    if (span / (power * factor) <= 6) {
      step = power * factor;
      break;
    }
  std::vector<double> result;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + step * 1e-6; ++i)
    result.push_back(i * step + 0.0);  // no -0
  return result;
}

/// The lowest and highest of some values with a margin, so that no mark touches the frame.
inline std::pair<double, double> padded_range(std::span<const double> values) {
  const auto [low, high] = std::ranges::minmax(values);
  const double margin = high > low ? (high - low) * 0.08 : std::max(std::abs(high) * 0.1, 0.1);
  return {low - margin, high + margin};
}

class Svg {
 public:
  static constexpr double width = 360, legend_line = 20;
  static constexpr std::size_t most_series = 5;  ///< that look different

  Svg(std::string_view title, double height) {
    out_ = "<svg class=\"plot\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 " +
           fixed(width, 0) + ' ' + fixed(height, 0) + "\"><title>" + html_escaped(title) +
           "</title>";
  }
  void line(double x1, double y1, double x2, double y2, std::string_view css) {
    out_ += "<line class=\"" + std::string(css) + "\" x1=\"" + fixed(x1) + "\" y1=\"" + fixed(y1) +
            "\" x2=\"" + fixed(x2) + "\" y2=\"" + fixed(y2) + "\"/>";
  }
  /// Text that is escaped already.
  void text(double x, double y, std::string_view escaped, std::string_view css = {},
            std::string_view anchor = "start") {
    out_ += "<text x=\"" + fixed(x) + "\" y=\"" + fixed(y) + "\" text-anchor=\"" +
            std::string(anchor) + '"';
    if (!css.empty()) out_ += " class=\"" + std::string(css) + '"';
    out_ += '>' + std::string(escaped) + "</text>";
  }
  /// A disc for the first series, a square for the second, then triangles and a diamond: not by
  /// colour alone.
  void mark(double x, double y, std::size_t series, double radius, std::string_view hint,
            std::string_view css = "mark") {
    const std::string common = common_of(series, hint, css);
    const auto polygon = [&](std::initializer_list<std::pair<double, double>> corners) {
      out_ += "<polygon points=\"";
      for (const auto& [dx, dy] : corners)
        out_ += fixed(x + dx * radius) + ',' + fixed(y + dy * radius) + ' ';
      out_ += '"' + common + "</polygon>";
    };
    switch (series % most_series) {
      case 0:
        out_ += "<circle cx=\"" + fixed(x) + "\" cy=\"" + fixed(y) + "\" r=\"" + fixed(radius) +
                '"' + common + "</circle>";
        break;
      case 1:
        bar(x - radius, y - radius, 2 * radius, 2 * radius, series, hint, css);
        break;
      case 2:
        polygon({{0, -1.2}, {1.1, 0.9}, {-1.1, 0.9}});
        break;
      case 3:
        polygon({{0, -1.3}, {1.3, 0}, {0, 1.3}, {-1.3, 0}});
        break;
      default:
        polygon({{0, 1.2}, {1.1, -0.9}, {-1.1, -0.9}});
        break;
    }
  }
  void bar(double x, double y, double across, double high, std::size_t series,
           std::string_view hint, std::string_view css = "mark") {
    out_ += "<rect x=\"" + fixed(x) + "\" y=\"" + fixed(y) + "\" width=\"" + fixed(across) +
            "\" height=\"" + fixed(high) + '"' + common_of(series, hint, css) + "</rect>";
  }
  /// Names of the series, two in a line; nothing for one.
  void legend(double y, std::span<const std::string> series) {
    if (series.size() < 2) return;
    for (std::size_t s = 0; s < series.size(); ++s) {
      const double x = s % 2 == 0 ? 0 : width / 2;
      const double line = y + static_cast<double>(s / 2) * legend_line;
      mark(x + 6, line - 4, s, 5, series[s]);
      text(x + 16, line, plot_text(series[s], 22));
    }
  }
  /// What a legend takes.
  static double legend_height(std::span<const std::string> series) {
    return series.size() < 2 ? 0 : legend_line * static_cast<double>((series.size() + 1) / 2);
  }
  [[nodiscard]] std::string finish() { return out_ + "</svg>"; }

 private:
  /// What all marks end with.
  static std::string common_of(std::size_t series, std::string_view hint, std::string_view css) {
    return " class=\"" + std::string(css) + " s" + std::to_string(series % most_series) +
           "\"><title>" + html_escaped(hint) + "</title>";
  }

  std::string out_;
};

}  // namespace detail

/// Values of one to five series in rows, each with its interval. `percent` shows shares: the axis
/// then goes from 0 to 100 %. Labels stand above their rows. Without values, an empty text.
inline std::string dot_plot(std::string_view title, std::span<const std::string> series,
                            std::span<const PlotRow> rows, bool percent) {
  std::vector<double> all;
  for (const PlotRow& row : rows)
    for (const auto& value : row.values)
      if (value) all.insert(all.end(), {value->low, value->high, value->value});
  if (all.empty()) return {};
  auto [low, high] = percent ? std::pair(0.0, 1.0) : detail::padded_range(all);
  constexpr double left = 6, right = 300, line_height = 12;
  const auto lines = static_cast<double>(std::max<std::size_t>(1, series.size()));
  const double row_height = 18 + line_height * std::max(2.0, lines);
  const double top = 22 + detail::Svg::legend_height(series);
  const double bottom = top + row_height * static_cast<double>(rows.size());
  detail::Svg svg(title, bottom + 20);
  svg.text(0, 14, detail::plot_text(title, 52), "head");
  svg.legend(32, series);
  const auto place = [&](double value) {
    return left + (std::clamp(value, low, high) - low) / (high - low) * (right - left);
  };
  for (const double tick : detail::ticks(low, high)) {
    const double at = place(tick);
    const bool at_edge = at < 20;  // where half of the text would stand outside
    svg.line(at, top, at, bottom, "grid");
    svg.text(at_edge ? 0 : at, bottom + 14,
             percent ? detail::fixed(100 * tick, 0) + "%" : detail::tick_text(tick), "small",
             at_edge ? "start" : "middle");
  }
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const double y = top + row_height * static_cast<double>(r);
    svg.text(0, y + 12, detail::plot_text(rows[r].label, 46));
    const double middle = y + 14 + (row_height - 18) / 2;
    const double half = (row_height - 18) / 2 - 1;
    if (rows[r].chance)
      svg.line(place(*rows[r].chance), middle - half, place(*rows[r].chance), middle + half,
               "chance");
    for (std::size_t s = 0; s < rows[r].values.size(); ++s) {
      const auto& value = rows[r].values[s];
      if (!value) continue;
      const double at = middle + (static_cast<double>(s) - (lines - 1) / 2) * line_height;
      const std::string shown =
          percent ? detail::fixed(100 * value->value) + "%" : detail::short_number(value->value);
      svg.line(place(value->low), at, place(value->high), at, "whisker s" + std::to_string(s));
      svg.mark(place(value->value), at, s, 4, rows[r].label + ": " + shown);
      svg.text(detail::Svg::width, at + 4, shown, "small", "end");
    }
  }
  return svg.finish();
}

/// How often answers of some confidence were right; a well calibrated model lies on the diagonal.
/// The area of a mark is the bin's share of the items.
inline std::string calibration_plot(std::string_view title, std::span<const std::string> series,
                                    std::span<const std::vector<PlotBin>> bins) {
  constexpr double left = 40, side = 270;
  const double top = 24 + std::max(detail::Svg::legend_line, detail::Svg::legend_height(series));
  detail::Svg svg(title, top + side + 36);
  svg.text(0, 14, detail::plot_text(title, 52), "head");
  svg.legend(32, series);
  const auto x = [&](double value) { return left + std::clamp(value, 0.0, 1.0) * side; };
  const auto y = [&](double value) { return top + (1 - std::clamp(value, 0.0, 1.0)) * side; };
  for (const double tick : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    const std::string name = detail::fixed(100 * tick, 0) + "%";
    svg.line(x(tick), y(0), x(tick), y(1), "grid");
    svg.line(x(0), y(tick), x(1), y(tick), "grid");
    svg.text(x(tick), y(0) + 14, name, "small", "middle");
    svg.text(x(0) - 4, y(tick) + 4, name, "small", "end");
  }
  svg.line(x(0), y(0), x(1), y(1), "chance");
  svg.text(x(0.5), y(0) + 30, "confidence", "small", "middle");
  svg.text(x(0) + 4, y(1) + 12, "right", "small");
  for (std::size_t s = 0; s < bins.size(); ++s)
    for (const PlotBin& bin : bins[s])
      svg.mark(x(bin.confidence), y(bin.accuracy), s,
               std::max(2.0, 16 * std::sqrt(std::clamp(bin.share, 0.0, 1.0))),
               "confidence " + detail::fixed(100 * bin.confidence) + "%, right " +
                   detail::fixed(100 * bin.accuracy) + "%, " + detail::fixed(100 * bin.share) +
                   "% of the items",
               "mark open");
  return svg.finish();
}

/// Labelled points with intervals in y. On a logarithmic scale of y, only those above 0. Without
/// points, an empty text.
inline std::string scatter_plot(std::string_view title, std::string_view x_name,
                                std::string_view y_name, std::span<const PlotPoint> all_points,
                                bool logarithmic = false) {
  std::vector<PlotPoint> points;
  std::vector<double> xs, ys;
  for (PlotPoint point : all_points) {
    if (logarithmic) {
      if (!(point.y.low > 0)) continue;
      point.y = {std::log10(point.y.value), std::log10(point.y.low), std::log10(point.y.high)};
    }
    points.push_back(point);
    xs.push_back(point.x);
    ys.insert(ys.end(), {point.y.value, point.y.low, point.y.high});
  }
  if (points.empty()) return {};
  const auto [x_low, x_high] = detail::padded_range(xs);
  const auto [y_low, y_high] = detail::padded_range(ys);
  const std::vector<double> x_ticks = detail::ticks(x_low, x_high);
  const std::vector<double> y_ticks = detail::ticks(y_low, y_high);
  const int digits = logarithmic ? 2 : detail::tick_digits(y_ticks, 3);
  const auto y_text = [&](double value) {
    if (!logarithmic) return detail::tick_text(value, digits);
    return std::abs(value - std::round(value)) < 1e-9
               ? "1e" + detail::fixed(value, 0)
               : detail::tick_text(std::pow(10.0, value), digits);
  };
  constexpr double left = 48, top = 40, right = 340, bottom = 250;
  detail::Svg svg(title, bottom + 36);
  svg.text(0, 14, detail::plot_text(title, 52), "head");
  svg.text(0, 31, detail::plot_text(y_name, 52), "small");
  const auto x = [&, low = x_low, high = x_high](double value) {
    return left + (value - low) / (high - low) * (right - left);
  };
  const auto y = [&, low = y_low, high = y_high](double value) {
    return bottom - (value - low) / (high - low) * (bottom - top);
  };
  for (const double tick : x_ticks) {
    svg.line(x(tick), top, x(tick), bottom, "grid");
    svg.text(x(tick), bottom + 14, detail::tick_text(tick), "small", "middle");
  }
  for (const double tick : y_ticks) {
    // Between powers of ten a line would stand at no round number.
    if (logarithmic && std::abs(tick - std::round(tick)) > 1e-9 && y_high - y_low > 1) continue;
    svg.line(left, y(tick), right, y(tick), "grid");
    svg.text(left - 4, y(tick) + 4, y_text(tick), "small", "end");
  }
  svg.text((left + right) / 2, bottom + 30, detail::plot_text(x_name, 52), "small", "middle");
  struct Box {
    double left, top, right, bottom;
  };
  std::vector<Box> taken;
  for (const PlotPoint& point : points) {
    const double px = x(point.x), py = y(point.y.value);
    taken.push_back({px - 5, py - 5, px + 5, py + 5});
  }
  for (const PlotPoint& point : points) {
    const double at = x(point.x);
    svg.line(at, y(point.y.low), at, y(point.y.high), "whisker s0");
    svg.mark(at, y(point.y.value), 0, 4.5,
             point.label + ": " + detail::short_number(point.x) + ", " +
                 detail::short_number(logarithmic ? std::pow(10.0, point.y.value) : point.y.value));
    // The first of the places around the mark where no other label or mark is.
    const std::string label = detail::plot_text(point.label, 14);
    const double room = 7.5 * static_cast<double>(std::min<std::size_t>(14, point.label.size()));
    const double height = y(point.y.value);
    Box best{};
    for (const auto& [dx, dy] :
         {std::pair(8.0, -6.0), std::pair(8.0, 14.0), std::pair(-8.0 - room, -6.0),
          std::pair(-8.0 - room, 14.0), std::pair(-room / 2, -10.0), std::pair(-room / 2, -24.0),
          std::pair(-room / 2, -38.0)}) {
      const Box box{at + dx, height + dy - 11, at + dx + room, height + dy + 2};
      const bool free = box.left > left && box.right < detail::Svg::width && box.bottom < bottom &&
                        std::ranges::none_of(
                            taken,
                            [&](const Box& other) {
                              return box.left < other.right && other.left < box.right &&
                                     box.top < other.bottom && other.top < box.bottom;
                            });
      if (best.right == 0 || free) best = box;
      if (free) break;
    }
    taken.push_back(best);
    svg.text(best.left, best.bottom - 2, label);
  }
  return svg.finish();
}

/// How many values lie in each of several bins of equal width from `low` to `high`. Without bins,
/// an empty text.
inline std::string histogram_plot(std::string_view title, double low, double high,
                                  std::span<const double> counts) {
  if (counts.empty()) return {};
  const double most = std::max(1.0, std::ranges::max(counts));
  constexpr double left = 40, right = 340, top = 30, bottom = 180;
  detail::Svg svg(title, bottom + 24);
  svg.text(0, 14, detail::plot_text(title, 52), "head");
  for (const double tick : detail::ticks(0, most)) {
    const double at = bottom - tick / most * (bottom - top);
    svg.line(left, at, right, at, "grid");
    svg.text(left - 4, at + 4, detail::tick_text(tick), "small", "end");
  }
  const double width = (right - left) / static_cast<double>(counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double x = left + width * static_cast<double>(i);
    const double height = counts[i] / most * (bottom - top);
    svg.bar(x + 1, bottom - height, width - 2, height, 0, detail::short_number(counts[i]));
  }
  svg.text(left, bottom + 16, detail::tick_text(low), "small");
  svg.text(right, bottom + 16, detail::tick_text(high), "small", "end");
  return svg.finish();
}

/// A plot as a file of its own.
inline std::string standalone_svg(std::string_view plot) {
  const std::size_t end = plot.find('>');
  std::string file(plot.substr(0, end + 1));
  file += "<style>";
  file += page_colours;
  file += plot_style;
  file += "svg.plot { background: var(--panel); }</style>";
  file += plot.substr(end + 1);
  file += '\n';
  return file;
}

}  // namespace llama2::inline LLAMA2_ABI

# The tasks of bench/estimates.py for R's package survey: Rscript estimates_survey.R task n folder -> one JSON line.
suppressWarnings(suppressMessages(library(survey)))
a <- commandArgs(TRUE); task <- a[1]; n <- as.integer(a[2]); folder <- a[3]
text <- paste(readLines(file.path(folder, "margins.json"), warn = FALSE), collapse = "")
numbers <- function(s) as.numeric(strsplit(gsub("[][]", "", s), ",")[[1]])
column <- function(name, what, size, columns = 1) {
  v <- readBin(file.path(folder, sprintf("%s_%d.bin", name, n)), what, n * columns, size)
  if (columns > 1) matrix(v, n) else v
}
peak <- function() as.numeric(gsub("[^0-9]", "", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 1024
timed <- function(work) {
  t <- proc.time()[3]; result <- work(); first <- best <- proc.time()[3] - t
  if (first < 5) for (i in 1:2) { t <- proc.time()[3]; result <- work(); best <- min(best, proc.time()[3] - t) }
  list(result = result, first = first, best = best)
}
say <- function(z, before, checks) cat(sprintf(
  '{"first_s": %.6f, "best_s": %.6f, "rss_before_mb": %.1f, "peak_mb": %.1f, "checks": {%s}}\n',
  z$first, z$best, before, peak(), paste(sprintf('"%s": %.17g', names(checks), checks), collapse = ", ")))
w <- column("w", "double", 8)

if (task == "rake") {
  sizes <- c(2, 5, 8, 12, 20); codes <- column("codes", "integer", 4, 5)
  block <- sub('.*"targets": \\[(\\[.*?\\]\\]).*', "\\1", text, perl = TRUE)
  targets <- lapply(regmatches(block, gregexpr("\\[[^][]*\\]", block))[[1]], numbers)
  data <- as.data.frame(lapply(1:5, function(j) factor(codes[, j], levels = 0:(sizes[j] - 1))))
  names(data) <- paste0("m", 1:5); data$w <- w
  margins <- lapply(1:5, function(j) setNames(
    data.frame(factor(0:(sizes[j] - 1), levels = 0:(sizes[j] - 1)), targets[[j]]), c(paste0("m", j), "Freq")))
  before <- peak()
  z <- timed(function() weights(rake(svydesign(id = ~1, weights = ~w, data = data), list(~m1, ~m2, ~m3, ~m4, ~m5),
    margins, control = list(maxit = 500, epsilon = 1e-8))))
  miss <- max(mapply(function(j) max(abs(tapply(z$result, data[[paste0("m", j)]], sum) / targets[[j]] - 1)), 1:5))
  say(z, before, c(max_rel_err = miss, wmin = min(z$result), wmax = max(z$result), wsumsq = sum(z$result^2)))
} else if (task %in% c("callin", "callog")) {
  x <- column("X", "double", 8, 30)
  totals <- numbers(sub(paste0('.*"T_', n, '": \\[([^]]*)\\].*'), "\\1", text))
  colnames(x) <- paste0("x", 1:30); data <- as.data.frame(x[, -1]); data$w <- w
  names(totals) <- c("(Intercept)", names(data)[1:29])
  model <- as.formula(paste("~", paste(names(data)[1:29], collapse = "+")))
  before <- peak()
  z <- timed(function() {
    d <- svydesign(id = ~1, weights = ~w, data = data)
    weights(if (task == "callin") calibrate(d, model, totals)
      else calibrate(d, model, totals, calfun = "logit", bounds = c(.3, 3), epsilon = 1e-9, maxit = 100))
  })
  miss <- max(abs(colSums(x * z$result) / totals - 1))
  say(z, before, c(max_rel_err = miss, wmin = min(z$result), wmax = max(z$result), wsumsq = sum(z$result^2)))
} else if (task %in% c("book", "boot")) {
  q <- column("q", "integer", 4, 100); data <- as.data.frame(lapply(1:100, function(j) factor(q[, j])))
  names(data) <- paste0("q", 1:100); data$dom <- factor(column("dom", "integer", 4))
  data$psu <- column("psu", "integer", 4); data$strat <- column("strat", "integer", 4); data$w <- w
  before <- peak(); design <- svydesign(id = ~psu, strata = ~strat, weights = ~w, data = data)
  all_questions <- function(d, count) {
    p <- 0; s <- 0; k <- 0
    for (j in 1:count) {
      o <- svyby(as.formula(paste0("~q", j)), ~dom, d, svymean)
      p <- p + sum(coef(o)); s <- s + sum(unlist(SE(o))); k <- k + length(coef(o))
    }
    c(p_sum = p, se_sum = s, cells = k)
  }
  work <- if (task == "book") function() all_questions(design, 100) else function() {
    set.seed(1); all_questions(as.svrepdesign(design, type = "subbootstrap", replicates = 500), 20)
  }
  z <- timed(work); say(z, before, z$result)
} else quit(status = 1)

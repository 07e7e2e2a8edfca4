# shellcheck shell=bash
# data frames, a linear model, singular values, an FFT, sorting, strings and a saved workspace

version() {
  need Rscript
  Rscript -e 'cat("R", as.character(getRversion()), "\n")'
}

run() {
  cat >program.R <<'END'
set.seed(1)
frame <- data.frame(group = sample(letters, 1e5, TRUE), x = rnorm(1e5), y = runif(1e5))
frame$z <- 3 * frame$x - frame$y + rnorm(1e5)
print(round(coef(lm(z ~ x + y + group, frame)), 6))
print(head(aggregate(cbind(x, z) ~ group, frame, mean)))
matrix <- crossprod(matrix(rnorm(4e4), 200)) + diag(200)
print(signif(range(svd(matrix)$d), 8))
print(signif(sum(solve(matrix)), 8))
print(signif(Mod(fft(frame$x))[1:5], 8))
words <- paste0(frame$group, sample(1e4, 1e5, TRUE))
print(head(sort(table(words), decreasing = TRUE), 3))
grown <- c()
for (i in 1:5000) grown <- c(grown, i^2)
saveRDS(list(frame, grown), "saved.rds")
print(identical(readRDS("saved.rds"), list(frame, grown)))
invisible(gc())
END
  Rscript program.R
}

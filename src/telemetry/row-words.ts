// The words that the rows of the metric table share.

export const side = ['side', 'source', 'target'] as const;
export const app = ['app'] as const;
export const verb = ['verb'] as const;

/** What the dashboard's variable `instance` chooses: one gateway or all. */
export const here = 'instance=~"$instance"';

/** The same, and the apps chosen by the variable `app`. */
export const mine = `${here},app=~"$app"`;

/** Grafana picks a window that holds at least four scrapes. */
export const rate = '[$__rate_interval]';

/** The `share` quantile of a histogram in Grafana's window; `by`: labels, `le` among them. */
export function quantile(share: number, metric: string, by: string): string {
  return `histogram_quantile(${share}, sum by (${by}) (rate(${metric}_bucket{${here}}${rate})))`;
}

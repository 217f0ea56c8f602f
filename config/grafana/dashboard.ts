// Makes the Grafana dashboard and its provisioning from the metric table; development only.
import {
  LegendDisplayMode,
  LegendPlacement,
  SortOrder,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  MappingType,
  type Panel as PanelModel,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StateTimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { type Panel, panelRows } from '../../src/telemetry/metric-row.ts';
import { panelsInOrder } from '../../src/telemetry/metric-table.ts';

/** Grafana's grid is 24 wide. */
const gridWidth = 24;
const panelHeight = 8;
// The first row shows five panels side by side; every other row three.
const spans: Record<string, readonly number[]> = { 'At a glance': [5, 5, 5, 5, 4] };
const defaultSpan = gridWidth / 3;

const datasource = { type: 'prometheus', uid: `\${datasource}` };

/** The dashboard as Grafana's JSON model. */
export function dashboard(): unknown {
  const builder = new DashboardBuilder('Twinlake')
    .uid('twinlake')
    .description('Dual-write gateway: what differs, who is served by which side, and how the stores do.')
    .tags(['twinlake'])
    .timezone('browser')
    .time({ from: 'now-1h', to: 'now' })
    .refresh('10s')
    .readonly()
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(labelVariable('instance', 'Gateway', 'twinlake_build_info'))
    .withVariable(labelVariable('app', 'App', 'twinlake_route_reads'));
  const panels = panelsInOrder();
  for (const row of panelRows) {
    builder.withRow(new RowBuilder(row));
    panels
      .filter((panel) => panel.row === row)
      .forEach((panel, i) => {
        builder.withPanel(panelBuilder(panel, spans[row]?.[i] ?? defaultSpan));
      });
  }
  const model = builder.build();
  return {
    ...model,
    id: null,
    annotations: { list: [] },
    panels: model.panels?.map((panel, i) => ({ ...panel, id: i + 1 })),
  };
}

function labelVariable(label: string, title: string, metric: string): QueryVariableBuilder {
  const query = `label_values(${metric}, ${label})`;
  return new QueryVariableBuilder(label)
    .label(title)
    .datasource(datasource)
    .query({ query, refId: label })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: ['All'], value: ['$__all'] });
}

function panelBuilder(panel: Panel, span: number): { build(): PanelModel } {
  const builder = panel.states ? statesBuilder(panel.states) : timeSeriesBuilder();
  builder
    .title(panel.title)
    .description(panel.description)
    .datasource(datasource)
    .unit(panel.unit)
    .span(span)
    .height(panelHeight);
  panel.targets.forEach(([expr, legend], i) => {
    const refId = String.fromCharCode('A'.charCodeAt(0) + i);
    builder.withTarget(
      new DataqueryBuilder().refId(refId).datasource(datasource).expr(expr).legendFormat(legend).range(),
    );
  });
  return builder;
}

function statesBuilder(states: NonNullable<Panel['states']>): StateTimelineBuilder {
  const options = Object.fromEntries(
    states.map(([text, color], index) => [String(index), { text, color, index }]),
  );
  return new StateTimelineBuilder().mappings([{ type: MappingType.ValueToText, options }]);
}

function timeSeriesBuilder(): TimeSeriesBuilder {
  return new TimeSeriesBuilder()
    .min(0)
    .fillOpacity(10)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
}

/** Data source provisioning: Prometheus on this machine, beside the gateway's admin port. */
export const datasourceProvisioning = {
  apiVersion: 1,
  datasources: [
    {
      name: 'Twinlake Prometheus',
      uid: 'twinlake-prometheus',
      type: 'prometheus',
      access: 'proxy',
      url: 'http://localhost:9091',
      isDefault: true,
      jsonData: { timeInterval: '15s', httpMethod: 'POST' },
    },
  ],
};

/** Dashboard provisioning: the folder is where Grafana's own image expects dashboards. */
export const dashboardProvisioning = {
  apiVersion: 1,
  providers: [
    {
      name: 'twinlake',
      type: 'file',
      folder: 'Twinlake',
      disableDeletion: false,
      allowUiUpdates: false,
      updateIntervalSeconds: 30,
      options: { path: '/var/lib/grafana/dashboards', foldersFromFilesStructure: false },
    },
  ],
};

import Joi from 'joi';
import { agentIdProblem } from '../model/agent.js';
import { AppError } from '../model/errors.js';
import { METRIC_TYPES, type MetricType } from '../model/metric.js';

/** What a console may say, checked. Unknown keys are ignored, as everywhere on sockets. */
export type LiveRequest =
  | { readonly type: 'client_connect' }
  | { readonly type: 'ping' }
  | { readonly type: 'request_agents' }
  | { readonly type: 'request_metrics'; readonly agentId: string | null; readonly metricType: MetricType | null }
  | { readonly type: 'subscribe_agent'; readonly agentId: string }
  | { readonly type: 'unsubscribe_agent'; readonly agentId: string };

interface GivenFrame {
  readonly type: LiveRequest['type'];
  readonly data?: { readonly agent_id?: string | null; readonly metric_type?: MetricType | 'timing' | '' | null } | null;
}

const agentId = Joi.string().custom((value: string, helpers) => {
  const problem = agentIdProblem(value);
  return problem === null ? value : helpers.message({ custom: problem });
});

const anything = Joi.any();
const oneAgent = Joi.object({ agent_id: agentId.required() }).rename('agentId', 'agent_id').unknown().required();
const metricsWanted = Joi.object({
  agent_id: agentId.allow('', null),
  metric_type: Joi.string()
    .valid(...METRIC_TYPES, 'timing')
    .allow('', null),
})
  .rename('agentId', 'agent_id')
  .rename('metricType', 'metric_type')
  .unknown()
  .allow(null);

const dataByType: Readonly<Record<LiveRequest['type'], Joi.Schema>> = {
  client_connect: anything,
  ping: anything,
  request_agents: anything,
  request_metrics: metricsWanted,
  subscribe_agent: oneAgent,
  unsubscribe_agent: oneAgent,
};

const schema = Joi.object<GivenFrame>({
  type: Joi.string()
    .valid(...Object.keys(dataByType))
    .required(),
  data: Joi.any().when('type', {
    switch: Object.entries(dataByType).map(([type, data]) => ({ is: type, then: data })),
  }),
})
  .unknown()
  .required();

/** @throws AppError `invalid_json`, `validation_failed` */
export function parseLiveRequest(text: string): LiveRequest {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    throw new AppError('invalid_json', 'the message is no JSON');
  }
  const checked = schema.validate(frame);
  if (checked.error !== undefined) throw new AppError('validation_failed', checked.error.message.slice(0, 500));
  const { type, data } = checked.value;
  switch (type) {
    case 'request_metrics': {
      const metricType = data?.metric_type === 'timing' ? 'timer' : data?.metric_type;
      return { type, agentId: data?.agent_id || null, metricType: metricType || null };
    }
    case 'subscribe_agent':
    case 'unsubscribe_agent':
      return { type, agentId: data?.agent_id ?? '' };
    default:
      return { type };
  }
}

/** The server's answers under short names; `schema.d.ts` is what the server says that they are. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Activation = Schemas["ActivationBody"];
export type ApiKey = Schemas["KeyBody"];
export type Applied = Schemas["AppliedBody"];
export type BenchmarkRun = Schemas["RunBody"];
export type CatalogueSummary = Schemas["SummaryBody"];
export type CheckResult = Schemas["ResultBody"];
export type ComparedMetric = Schemas["ComparedBody"];
export type Comparison = Schemas["ComparisonBody"];
export type DeviceStatus = Schemas["DeviceBody"];
export type Difference = Schemas["DifferenceBody"];
export type Job = Schemas["JobBody"];
export type Kind = Schemas["KindBody"];
export type KindSummary = Schemas["KindSummaryBody"];
export type Measurement = Schemas["MeasurementBody"];
export type MemoryPlan = Schemas["MemoryBody"];
export type Policy = Schemas["PolicyBody"];
export type Pool = Schemas["PoolBody"];
export type PoolEvent = Schemas["PoolEventBody"];
export type Problem = Schemas["ProblemBody"];
export type Registration = Schemas["Registration"];
export type Scope = NewKey["scopes"][number];
export type Series = Schemas["SeriesBody"];
export type ServerInfo = Schemas["ServerBody"];
export type SwitchPlan = Schemas["SwitchPlanBody"];
export type Switching = Schemas["Switching"];
export type VariantStatus = Schemas["VariantBody"];
export type Version = Schemas["VersionBody"];
export type NewKey = Schemas["NewKey"];

/** Where the next page of a list begins; null on the last one. */
export type Cursor = number | null;

export interface Page<T> {
	items: T[];
	next: Cursor;
}

/**
 * Generated from the server's OpenAPI; do not edit.
 * Again: python tools/page_types.py
 */

export interface paths {
    "/api/benchmarks/datasets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Datasets
         * @description Return the sets of texts that benchmarks can be run on.
         */
        get: operations["list_datasets_api_benchmarks_datasets_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/catalogue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Entries
         * @description Return the entries that meet every criterion; deprecated ones are left out.
         */
        get: operations["list_entries_api_catalogue_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/catalogue/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Entry
         * @description Return all that is known of an entry, and where each value comes from.
         *
         *     ``provenance`` has the source of each field, and that of all others under ``*``; ``sources`` has
         *     what the catalogue knows of these sources. An alias, or a repository of the Hub, is found, too.
         */
        get: operations["get_entry_api_catalogue__id__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read Events
         * @description Send events of the pool, activations, jobs, deployments and health, until the server stops.
         *
         *     The stream ends within a second when its key is revoked or expires.
         *
         *     A client that comes back with Last-Event-ID goes on after that event. If the server does not have
         *     the events after it any more, it sends one of the type reset: ask for the present state again.
         */
        get: operations["read_events_api_events_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Jobs
         * @description Return the last jobs, the newest first.
         */
        get: operations["list_jobs_api_jobs_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Job
         * @description Return a job as it is now.
         */
        get: operations["get_job_api_jobs__id__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Keys
         * @description Return all keys, also those that do not work any more.
         */
        get: operations["list_keys_api_keys_get"];
        put?: never;
        /**
         * Create Key
         * @description Make a key, and show it once.
         */
        post: operations["create_key_api_keys_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke Key
         * @description Revoke a key: here at once, elsewhere within a second. Revoking it again changes nothing.
         */
        delete: operations["revoke_key_api_keys__id__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Kinds
         * @description Return all kinds, what is active of each, and since when.
         */
        get: operations["list_kinds_api_models__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models/{kind}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Versions
         * @description Return a kind with what is active, and its versions, the newest first.
         */
        get: operations["list_versions_api_models__kind__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models/{kind}/benchmark": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Benchmark Versions
         * @description Measure versions, one after the other, and record the numbers.
         *
         *     A version that serves is measured as it serves, besides its other callers; another one is loaded
         *     within the budget of the pool, and closed afterwards. Numbers of versions that are measured in one
         *     job share a test run. When the server stops, the job fails, and of the version that is measured then
         *     nothing is recorded.
         */
        post: operations["benchmark_versions_api_models__kind__benchmark_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models/{kind}/compare": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Compare Versions
         * @description Compare versions with the first of them, by what was measured of them.
         */
        get: operations["compare_versions_api_models__kind__compare_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models/{kind}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get History
         * @description Return the activations of a kind, the newest first, or the one that was active at a time.
         */
        get: operations["get_history_api_models__kind__history_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models/{kind}/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Register Version
         * @description Register a version: its reference is resolved, and every byte is read. Nothing is activated.
         */
        post: operations["register_version_api_models__kind__register_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models/{kind}/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Roll Back
         * @description Return to the version before, in the same way as a switch.
         */
        post: operations["roll_back_api_models__kind__rollback_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models/{kind}/switch/{version}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Switch Version
         * @description Load a version, check it, make it the active one, and let it serve; or nothing at all.
         *
         *     Where it is active and serves already, nothing changes, and the job returns the activation that there
         *     is. With an Idempotency-Key it is switched to even so: only a record tells the same key later.
         */
        post: operations["switch_version_api_models__kind__switch__version__post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models/{kind}/versions/{model_id}/{version_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Version
         * @description Return one version.
         */
        get: operations["get_version_api_models__kind__versions__model_id___version_id__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models/performance/{kind}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Performance
         * @description Return what was measured, the newest first, or how one metric developed.
         */
        get: operations["get_performance_api_models_performance__kind__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/pool": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Pool
         * @description Return what is loaded and what it takes, the last 50 events, and the policy.
         */
        get: operations["get_pool_api_pool_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/pool/{name}/load": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Load Name
         * @description Load what a name serves.
         */
        post: operations["load_name_api_pool__name__load_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/pool/{name}/pin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pin Name
         * @description Keep a name loaded, although others need the memory or nobody calls.
         */
        post: operations["pin_name_api_pool__name__pin_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/pool/{name}/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Plan Name
         * @description Say what loading a name would need and unload; nothing happens.
         */
        post: operations["plan_name_api_pool__name__plan_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/pool/{name}/unload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Unload Name
         * @description Unload what a name serves once no call runs on it; the next call loads it again.
         */
        post: operations["unload_name_api_pool__name__unload_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/pool/{name}/unpin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Unpin Name
         * @description Let a name be unloaded again.
         */
        post: operations["unpin_name_api_pool__name__unpin_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/reload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Reload
         * @description Read the deployment again, and serve what it says now.
         */
        post: operations["reload_api_reload_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/server": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Server
         * @description Return what the server is, and whether its database answers.
         */
        get: operations["get_server_api_server_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * ActivationBody
         * @description One switch of a kind to a version.
         */
        ActivationBody: {
            /**
             * Action
             * @description `activate` for a version that was named, `rollback` for a return to an earlier one.
             * @enum {string}
             */
            action: "activate" | "rollback";
            /**
             * Actor
             * @description Who asked for it.
             */
            actor: string;
            /**
             * At
             * Format: date-time
             * @description When, in UTC.
             */
            at: string;
            /**
             * Generation
             * @description 1 for the first switch of the kind, then one more for each.
             */
            generation: number;
            /**
             * Kind
             * @description The kind.
             */
            kind: string;
            /**
             * New Vector Space
             * @description Whether the version before made other vectors.
             */
            new_vector_space: boolean;
            /**
             * Reason
             * @description Why; it can be empty.
             */
            reason: string;
            /**
             * Request Id
             * @description The request that asked for it, or its Idempotency-Key.
             */
            request_id: string;
            /**
             * Returns To
             * @description The generation that a rollback goes back to; null if there is none.
             */
            returns_to: number | null;
            /** @description The version that was active from then on. */
            version: components["schemas"]["VersionBody"];
        };
        /**
         * AppliedBody
         * @description What a deployment that was read again has changed.
         */
        AppliedBody: {
            /**
             * Added
             * @description Names that are new.
             */
            added: string[];
            /**
             * Changed
             * @description Names whose weights or other settings changed, while nothing was loaded.
             */
            changed: string[];
            /**
             * Failed
             * @description Why a name serves what it served before, by name.
             */
            failed: {
                [key: string]: string;
            };
            /**
             * Missing
             * @description Why a name that serves nothing yet could not be loaded now, by name.
             */
            missing: {
                [key: string]: string;
            };
            /**
             * Removed
             * @description Names that are gone.
             */
            removed: string[];
            /**
             * Swapped
             * @description Names of which a variant was replaced.
             */
            swapped: string[];
        };
        /**
         * BenchmarkRequest
         * @description What to measure.
         */
        BenchmarkRequest: {
            /**
             * Datasets
             * @description The sets to measure them on; by default those that fit their type.
             */
            datasets?: string[] | null;
            /**
             * N Requests
             * @description How many requests are timed.
             * @default 400
             */
            n_requests?: number;
            /**
             * Test Run Id
             * @description A name that runs share if they are to be compared; by default a new one.
             */
            test_run_id?: string | null;
            /**
             * Versions
             * @description The versions, such as `bge-m3/v1.0.0`.
             */
            versions: string[];
        };
        /**
         * CatalogueBody
         * @description Some entries.
         */
        CatalogueBody: {
            /**
             * Items
             * @description The entries of this page.
             */
            items: components["schemas"]["SummaryBody"][];
            /**
             * Total
             * @description How many there are with these criteria.
             */
            total: number;
        };
        /**
         * CheckBody
         * @description The last check of a version.
         */
        CheckBody: {
            /**
             * At
             * Format: date-time
             * @description When, in UTC.
             */
            at: string;
            /**
             * Facts
             * @description What the loaded model said: `dim`, `fingerprint`, `memory_bytes`, `load_s` and the like.
             */
            facts: {
                [key: string]: unknown;
            };
            /**
             * Outcome
             * @description `failed` if any check found something.
             * @enum {string}
             */
            outcome: "passed" | "failed";
            /**
             * Problems
             * @description What was wrong; empty if nothing was.
             */
            problems: components["schemas"]["FoundBody"][];
        };
        /**
         * ComparedBody
         * @description A metric of several versions on one set of data.
         */
        ComparedBody: {
            /**
             * Apart
             * @description Why some are side by side, without a difference.
             */
            apart: string;
            /**
             * Dataset
             * @description The name of the data.
             */
            dataset: string;
            /**
             * Differences
             * @description From the first version; null for itself, and where two cannot be compared.
             */
            differences: (components["schemas"]["DifferenceBody"] | null)[];
            /**
             * Higher Is Better
             * @description Whether more is better; null if neither is.
             */
            higher_is_better: boolean | null;
            /**
             * Name
             * @description The metric.
             */
            name: string;
            /**
             * Unit
             * @description Its unit.
             */
            unit: string;
            /**
             * Values
             * @description That of each version; null where it was not measured.
             */
            values: (components["schemas"]["MeasurementBody"] | null)[];
        };
        /**
         * ComparisonBody
         * @description Several versions, metric by metric; the first is the base.
         */
        ComparisonBody: {
            /**
             * Metrics
             * @description The metrics that any of them was measured by.
             */
            metrics: components["schemas"]["ComparedBody"][];
            /**
             * Versions
             * @description The versions; the others are compared with the first.
             */
            versions: components["schemas"]["VersionBody"][];
        };
        /**
         * DatabaseBody
         * @description The database of the registry.
         */
        DatabaseBody: {
            /**
             * Kind
             * @description What it is.
             * @enum {string}
             */
            kind: "sqlite" | "postgresql";
            /**
             * Last Contact At
             * @description When it answered last, in UTC; null if it never has.
             */
            last_contact_at: string | null;
            /**
             * Location
             * @description Where it is, without a password.
             */
            location: string;
            /**
             * Ok
             * @description Whether it answers.
             */
            ok: boolean;
            /**
             * Problem
             * @description Why it does not answer; null if it does.
             */
            problem: string | null;
        };
        /**
         * DatasetBody
         * @description A set of texts that ships.
         */
        DatasetBody: {
            /**
             * Description
             * @description What its texts are.
             */
            description: string;
            /**
             * Labels
             * @description The labels of its texts; empty if they have none.
             */
            labels: string[];
            /**
             * License
             * @description Its licence.
             */
            license: string;
            /**
             * N Documents
             * @description How many documents it has.
             */
            n_documents: number;
            /**
             * N Queries
             * @description How many queries it has.
             */
            n_queries: number;
            /**
             * Name
             * @description Its name.
             */
            name: string;
            /**
             * Types
             * @description The types of models that are measured on it.
             */
            types: string[];
        };
        /**
         * DatasetsBody
         * @description All sets that ship.
         */
        DatasetsBody: {
            /**
             * Items
             * @description The sets.
             */
            items: components["schemas"]["DatasetBody"][];
            /**
             * Next
             * @description Always null: there is one page.
             */
            next?: null;
        };
        /**
         * DeviceBody
         * @description The memory of a device.
         */
        DeviceBody: {
            /**
             * Available Bytes
             * @description What the system says is available.
             */
            available_bytes: number;
            /**
             * Budget Bytes
             * @description What models may take.
             */
            budget_bytes: number;
            /**
             * Free Bytes
             * @description What is left of the budget.
             */
            free_bytes: number;
            /**
             * Held Bytes
             * @description What loaded and loading models take.
             */
            held_bytes: number;
            /**
             * Loading
             * @description The name that is being loaded; null if none is.
             */
            loading: string | null;
            /**
             * Loading For S
             * @description For how many seconds; null if none is.
             */
            loading_for_s: number | null;
            /**
             * Name
             * @description The device, such as `cpu` or `cuda:0`.
             */
            name: string;
            /**
             * Total Bytes
             * @description What it has, or what the container may use.
             */
            total_bytes: number;
            /**
             * Unreturned Bytes
             * @description What unloaded models did not give back; it counts as taken.
             */
            unreturned_bytes: number;
        };
        /**
         * DifferenceBody
         * @description The difference of a version from the first.
         */
        DifferenceBody: {
            /**
             * Difference
             * @description The difference, in the unit of the metric.
             */
            difference: number;
            /**
             * Interval
             * @description The ends of its confidence interval of 95 %; null if it has none.
             */
            interval: [
                number,
                number
            ] | null;
            /**
             * Relative
             * @description The difference as a share of the first version's value; null if that is zero.
             */
            relative: number | null;
            /**
             * Verdict
             * @description Whether the version is better, with 95 % confidence; null without an interval.
             */
            verdict: ("better" | "worse" | "unclear") | null;
        };
        /**
         * FoundBody
         * @description What a check found wrong.
         */
        FoundBody: {
            /**
             * Check
             * @description The name of the check.
             */
            check: string;
            /**
             * Message
             * @description What it found.
             */
            message: string;
        };
        /**
         * HistoryBody
         * @description A page of activations, the newest first.
         */
        HistoryBody: {
            /**
             * Items
             * @description The switches of this page.
             */
            items: components["schemas"]["ActivationBody"][];
            /**
             * Next
             * @description The value of before for the next page.
             */
            next: number | null;
        };
        /** HTTPValidationError */
        HTTPValidationError: {
            /** Detail */
            detail?: components["schemas"]["ValidationError"][];
        };
        /**
         * JobBody
         * @description A job at one moment.
         */
        JobBody: {
            /**
             * Actor
             * @description Who asked for it.
             */
            actor: string;
            /**
             * Created At
             * Format: date-time
             * @description When it was asked for, in UTC.
             */
            created_at: string;
            /**
             * Finished At
             * @description When it ended; null if it has not.
             */
            finished_at: string | null;
            /**
             * Id
             * @description Its id.
             */
            id: string;
            /**
             * Kind
             * @description The kind of the registry that it is about; null if it is about none.
             */
            kind: string | null;
            /** @description Why it failed; null if it did not. */
            problem: components["schemas"]["ProblemBody"] | null;
            /**
             * Progress
             * @description The share that is done, from 0 to 1; null if nobody knows.
             */
            progress: number | null;
            /**
             * Request Id
             * @description The request that asked for it, or its Idempotency-Key.
             */
            request_id: string;
            /**
             * Result
             * @description What it made; null before it has succeeded.
             */
            result: {
                [key: string]: unknown;
            } | null;
            /**
             * Started At
             * @description When it began; null if it waits.
             */
            started_at: string | null;
            /**
             * State
             * @description Whether it waits, runs, or how it ended.
             * @enum {string}
             */
            state: "queued" | "running" | "succeeded" | "failed";
            /**
             * Steps
             * @description How far it has come: each step once, as it is now.
             */
            steps: components["schemas"]["StepBody"][];
            /**
             * Subject
             * @description What it is about, such as a version or a name.
             */
            subject: string;
            /**
             * Type
             * @description What it does.
             * @enum {string}
             */
            type: "switch" | "rollback" | "register" | "benchmark" | "load";
        };
        /**
         * JobsBody
         * @description The last jobs, the newest first.
         */
        JobsBody: {
            /**
             * Items
             * @description The jobs.
             */
            items: components["schemas"]["JobBody"][];
            /**
             * Next
             * @description Always null: there is one page.
             */
            next?: null;
        };
        /**
         * KeyBody
         * @description A key, but for the key itself.
         */
        KeyBody: {
            /**
             * Created At
             * Format: date-time
             * @description When it was made, in UTC.
             */
            created_at: string;
            /**
             * Created By
             * @description Who made it.
             */
            created_by: string;
            /**
             * Expires At
             * @description From when on it does not work; null means never.
             */
            expires_at: string | null;
            /**
             * Id
             * @description Its number in the database.
             */
            id: number;
            /**
             * Name
             * @description Whom it is for.
             */
            name: string;
            /**
             * Prefix
             * @description The part of the key that may be shown.
             */
            prefix: string;
            /**
             * Revoked At
             * @description Since when it does not work; null if it was not revoked.
             */
            revoked_at: string | null;
            /**
             * Revoked By
             * @description Who revoked it; null if nobody did.
             */
            revoked_by: string | null;
            /**
             * Scopes
             * @description What it may do.
             */
            scopes: ("infer" | "operate" | "admin")[];
        };
        /**
         * KeysBody
         * @description All keys, the newest first.
         */
        KeysBody: {
            /**
             * Items
             * @description The keys.
             */
            items: components["schemas"]["KeyBody"][];
            /**
             * Next
             * @description Always null: there is one page.
             */
            next?: null;
        };
        /**
         * KindBody
         * @description A kind, and a page of its versions, the newest first.
         */
        KindBody: {
            /** @description The switch to the active version; null if none is active. */
            active: components["schemas"]["ActivationBody"] | null;
            /**
             * Items
             * @description The versions of this page.
             */
            items: components["schemas"]["VersionBody"][];
            /**
             * Kind
             * @description Its name: what programs ask for, such as `text_embedding`.
             */
            kind: string;
            /**
             * Next
             * @description The value of before for the next page.
             */
            next: number | null;
            /**
             * Type
             * @description The type of its models, such as `dense`.
             */
            type: string;
        };
        /**
         * KindsBody
         * @description All kinds.
         */
        KindsBody: {
            /**
             * Items
             * @description The kinds.
             */
            items: components["schemas"]["KindSummaryBody"][];
        };
        /**
         * KindSummaryBody
         * @description A kind, and what is active.
         */
        KindSummaryBody: {
            /** @description The switch to the active version; null if none is active. */
            active: components["schemas"]["ActivationBody"] | null;
            /**
             * Kind
             * @description Its name: what programs ask for, such as `text_embedding`.
             */
            kind: string;
            /**
             * N Versions
             * @description How many versions are registered.
             */
            n_versions: number;
            /**
             * Since
             * @description Since when the active version is active.
             */
            since: string | null;
            /**
             * Type
             * @description The type of its models, such as `dense`.
             */
            type: string;
        };
        /**
         * LimitBody
         * @description How much of a device models may take: bytes, or a share of it.
         */
        LimitBody: {
            /**
             * Bytes
             * @description How many bytes; null if the limit is a share.
             */
            bytes: number | null;
            /**
             * Device
             * @description The device.
             */
            device: string;
            /**
             * Share
             * @description Which share, from 0 to 1; null if the limit is in bytes.
             */
            share: number | null;
        };
        /**
         * MadeKeyBody
         * @description A key that has just been made; this is the only time that it is shown.
         */
        MadeKeyBody: {
            /**
             * Created At
             * Format: date-time
             * @description When it was made, in UTC.
             */
            created_at: string;
            /**
             * Created By
             * @description Who made it.
             */
            created_by: string;
            /**
             * Expires At
             * @description From when on it does not work; null means never.
             */
            expires_at: string | null;
            /**
             * Id
             * @description Its number in the database.
             */
            id: number;
            /**
             * Key
             * @description The key itself.
             */
            key: string;
            /**
             * Name
             * @description Whom it is for.
             */
            name: string;
            /**
             * Prefix
             * @description The part of the key that may be shown.
             */
            prefix: string;
            /**
             * Revoked At
             * @description Since when it does not work; null if it was not revoked.
             */
            revoked_at: string | null;
            /**
             * Revoked By
             * @description Who revoked it; null if nobody did.
             */
            revoked_by: string | null;
            /**
             * Scopes
             * @description What it may do.
             */
            scopes: ("infer" | "operate" | "admin")[];
        };
        /**
         * MeasurementBody
         * @description One number, with its unit and how certain it is.
         */
        MeasurementBody: {
            /**
             * Higher Is Better
             * @description Whether more is better; null if neither is.
             */
            higher_is_better: boolean | null;
            /**
             * Interval
             * @description The ends of its confidence interval of 95 %; null if it has none.
             */
            interval: [
                number,
                number
            ] | null;
            /**
             * N Samples
             * @description How many samples it was computed from.
             */
            n_samples: number;
            /**
             * Name
             * @description What was measured, such as `latency_p95` or `recall@10`.
             */
            name: string;
            /**
             * Notes
             * @description How it was measured; it can be empty.
             */
            notes: string;
            /**
             * Unit
             * @description Its unit, such as `ms` or `texts/s`; `1` for a share.
             */
            unit: string;
            /**
             * Value
             * @description The number.
             */
            value: number;
        };
        /**
         * MemoryBody
         * @description Whether something fits beside what is loaded.
         */
        MemoryBody: {
            /**
             * Fits
             * @description Whether it fits: `now`, `after_unloading` others, or `never`.
             * @enum {string}
             */
            fits: "now" | "after_unloading" | "never";
            /**
             * Free Bytes
             * @description What is free.
             */
            free_bytes: number;
            /**
             * Need Bytes
             * @description What it takes.
             */
            need_bytes: number;
            /**
             * Would Unload
             * @description The names of what would be unloaded for it.
             */
            would_unload: string[];
        };
        /**
         * NewKey
         * @description A key to make.
         */
        NewKey: {
            /**
             * Expires At
             * @description From when on it does not work; null means never.
             */
            expires_at?: string | null;
            /**
             * Name
             * @description Whom the key is for.
             */
            name: string;
            /**
             * Scopes
             * @description What it may do.
             */
            scopes: ("infer" | "operate" | "admin")[];
        };
        /**
         * PolicyBody
         * @description How models share the machine.
         */
        PolicyBody: {
            /**
             * Eviction
             * @description What is unloaded for another model: the `fewest` models, or the least recently used (`lru`).
             * @enum {string}
             */
            eviction: "fewest" | "lru";
            /**
             * Idle After S
             * @description After how many seconds without a call a model is unloaded; null means never.
             */
            idle_after_s: number | null;
            /**
             * Memory
             * @description The limit of each device that has one.
             */
            memory: components["schemas"]["LimitBody"][];
            /**
             * Min Resident S
             * @description For how many seconds a model that has just been loaded is not unloaded for another one.
             */
            min_resident_s: number;
            /**
             * Swap
             * @description `overlap` loads a new model beside the old one; `replace` unloads the old one first.
             * @enum {string}
             */
            swap: "overlap" | "replace";
        };
        /**
         * PoolBody
         * @description The pool at one moment, its last events, and its policy.
         */
        PoolBody: {
            /**
             * Devices
             * @description The devices that something was loaded on.
             */
            devices: components["schemas"]["DeviceBody"][];
            /**
             * Ensembles
             * @description The names that combine others.
             */
            ensembles: string[];
            /**
             * Events
             * @description The last events, the oldest first.
             */
            events: components["schemas"]["PoolEventBody"][];
            /**
             * Models
             * @description Each copy of each variant of each name, in the order of the deployment.
             */
            models: components["schemas"]["VariantBody"][];
            /** @description By which rules models share the machine. */
            policy: components["schemas"]["PolicyBody"];
        };
        /**
         * PoolEventBody
         * @description Something that happened in the pool.
         */
        PoolEventBody: {
            /**
             * At
             * Format: date-time
             * @description When, in UTC.
             */
            at: string;
            /**
             * Kind
             * @description What happened, such as `loaded` or `evicted`.
             */
            kind: string;
            /**
             * Name
             * @description The name of the model; empty for the pool itself.
             */
            name: string;
            /**
             * Number
             * @description 1 for the first event of the pool, then one more for each.
             */
            number: number;
            /**
             * Values
             * @description The numbers and words behind it, by name.
             */
            values: {
                [key: string]: unknown;
            };
        };
        /**
         * PoolVersionBody
         * @description What serves.
         */
        PoolVersionBody: {
            /**
             * Device
             * @description Where it runs.
             */
            device: string;
            /**
             * Fingerprint
             * @description The digest of what decides its vectors; null if it makes none.
             */
            fingerprint: string | null;
            /**
             * Kind
             * @description The kind of the model, such as `dense`.
             */
            kind: string;
            /**
             * Number
             * @description 1 for the first model that was loaded as this variant, then one more for each.
             */
            number: number;
            /**
             * Reference
             * @description Where it comes from.
             */
            reference: string;
        };
        /**
         * ProblemBody
         * @description What went wrong, as RFC 9457 has it.
         */
        ProblemBody: {
            /**
             * Code
             * @description What went wrong, in one word, for programs.
             */
            code: string;
            /**
             * Detail
             * @description What was found, what was expected, and what to do.
             */
            detail: string;
            /**
             * Errors
             * @description The fields that are wrong: `field` and `message` of each.
             * @default []
             */
            errors?: {
                [key: string]: string;
            }[];
            /**
             * Request Id
             * @description The id of the request, under which the server's log tells more.
             * @default
             */
            request_id?: string;
            /**
             * Status
             * @description The status of HTTP.
             */
            status: number;
            /**
             * Suggestions
             * @description What may have been meant, the best first.
             * @default []
             */
            suggestions?: string[];
            /**
             * Title
             * @description The name of the status.
             */
            title: string;
            /**
             * Type
             * @description A URN that names the code, such as `urn:holotype:problem:queue_full`.
             */
            type: string;
        } & {
            [key: string]: unknown;
        };
        /**
         * Registration
         * @description A version to register.
         */
        Registration: {
            /**
             * Dry Run
             * @description Whether only to say what the registration would find.
             * @default false
             */
            dry_run?: boolean;
            /**
             * Inference Config
             * @description The options of `load` that belong to the version.
             */
            inference_config?: {
                [key: string]: unknown;
            };
            /**
             * Model Id
             * @description The model that it is a version of; by default the id of its record.
             */
            model_id?: string | null;
            /**
             * Reference
             * @description Where the files are: `local:`, `hf:` with a commit, or `catalogue:`.
             */
            reference: string;
            /**
             * Version Id
             * @description The name of the version, which the model has not used yet.
             */
            version_id: string;
        };
        /**
         * RegistrationChecksBody
         * @description What was found out about a version that is not registered.
         */
        RegistrationChecksBody: {
            /**
             * Checks
             * @description What was looked at.
             */
            checks: components["schemas"]["ResultBody"][];
        };
        /**
         * ResultBody
         * @description One thing that was looked at.
         */
        ResultBody: {
            /**
             * Message
             * @description What it found.
             */
            message: string;
            /**
             * Name
             * @description The name of the check.
             */
            name: string;
            /**
             * Outcome
             * @description Whether it passed; `skipped` where it could not be made.
             * @enum {string}
             */
            outcome: "passed" | "failed" | "skipped";
        };
        /**
         * RunBody
         * @description The measurements of one version on one set of data.
         */
        RunBody: {
            /**
             * Dataset
             * @description The name of the data.
             */
            dataset: string;
            /**
             * Dataset Digest
             * @description The SHA-256 of the data.
             */
            dataset_digest: string;
            /**
             * Environment
             * @description What the numbers depend on besides: machine, device, threads, packages.
             */
            environment: {
                [key: string]: unknown;
            };
            /**
             * Id
             * @description Its number in the database.
             */
            id: number;
            /**
             * Measurements
             * @description The numbers.
             */
            measurements: components["schemas"]["MeasurementBody"][];
            /**
             * Recorded At
             * Format: date-time
             * @description When it was recorded, in UTC.
             */
            recorded_at: string;
            /**
             * Test Run Id
             * @description A name that runs of several versions share if they were made to be compared.
             */
            test_run_id: string;
            /** @description The version. */
            version: components["schemas"]["VersionBody"];
        };
        /**
         * RunsBody
         * @description A page of runs, the newest first.
         */
        RunsBody: {
            /**
             * Items
             * @description The runs of this page.
             */
            items: components["schemas"]["RunBody"][];
            /**
             * Next
             * @description The value of before for the next page.
             */
            next: number | null;
        };
        /**
         * SeriesBody
         * @description How a metric developed, from the oldest to the newest.
         */
        SeriesBody: {
            /**
             * Metric
             * @description The metric.
             */
            metric: string;
            /**
             * Points
             * @description Time, value, and the ends of its confidence interval.
             */
            points: [
                string,
                number,
                number | null,
                number | null
            ][];
            /**
             * Unit
             * @description Its unit.
             */
            unit: string;
        };
        /**
         * ServerBody
         * @description The server.
         */
        ServerBody: {
            /**
             * Address
             * @description Where it listens.
             */
            address: string;
            /** @description The database of the registry; null for a server without one. */
            database: components["schemas"]["DatabaseBody"] | null;
            /**
             * Deployment
             * @description Where the deployment is read from; null for a server that was given none.
             */
            deployment: string | null;
            /**
             * Device
             * @description The devices that models run on.
             */
            device: string;
            /**
             * N Threads
             * @description How many threads a model uses.
             */
            n_threads: number;
            /**
             * Python
             * @description The version of Python.
             */
            python: string;
            /**
             * Started At
             * Format: date-time
             * @description When it started, in UTC.
             */
            started_at: string;
            /**
             * Version
             * @description The version of holotype.
             */
            version: string;
        };
        /**
         * StateBody
         * @description The variants of a name.
         */
        StateBody: {
            /**
             * Items
             * @description The variants, each copy by itself.
             */
            items: components["schemas"]["VariantBody"][];
        };
        /**
         * StepBody
         * @description How far a job has come.
         */
        StepBody: {
            /**
             * At
             * Format: date-time
             * @description When that began, in UTC.
             */
            at: string;
            /**
             * Message
             * @description What it does or did.
             */
            message: string;
            /**
             * Name
             * @description The step.
             */
            name: string;
            /**
             * State
             * @description Whether it runs, or how it ended.
             */
            state: string;
        };
        /**
         * SummaryBody
         * @description An entry, in short.
         */
        SummaryBody: {
            /**
             * Context Length
             * @description How many tokens it reads; null if that is unknown.
             */
            context_length: number | null;
            /**
             * Embedding Dim
             * @description The size of its vectors; null if it makes none.
             */
            embedding_dim: number | null;
            /**
             * Huggingface Id
             * @description Its repository on the Hub.
             */
            huggingface_id: string;
            /**
             * Id
             * @description Its id.
             */
            id: string;
            /**
             * Languages
             * @description The codes of its languages.
             */
            languages: string[];
            /**
             * License
             * @description Its licence; null if it is unknown.
             */
            license: string | null;
            /**
             * Matryoshka Dims
             * @description The sizes that its vectors may be cut to.
             */
            matryoshka_dims: number[];
            /**
             * Matryoshka Range
             * @description The smallest and the largest size, where any in between may be asked for; null if only those listed.
             */
            matryoshka_range: number[] | null;
            /**
             * Modalities
             * @description What it reads, such as `text` and `image`.
             */
            modalities: string[];
            /**
             * Name
             * @description Its name, as people write it.
             */
            name: string;
            /**
             * Organization
             * @description Who published it.
             */
            organization: string;
            /**
             * Parameters
             * @description How many weights it has; null if that is unknown.
             */
            parameters: number | null;
            /**
             * Release Date
             * @description When it was published; null if that is unknown.
             */
            release_date: string | null;
            /**
             * Type
             * @description The type of the model, such as `dense`.
             */
            type: string;
        };
        /**
         * Switching
         * @description On which conditions to switch.
         */
        Switching: {
            /**
             * Allow Different Vectors
             * @description Whether an index of the active version may become useless to searches by the new one.
             * @default false
             */
            allow_different_vectors?: boolean;
            /**
             * Expected Generation
             * @description The generation that must be active; another one is a 409.
             */
            expected_generation?: number | null;
            /**
             * Reason
             * @description Why, for the history.
             * @default
             */
            reason?: string;
        };
        /**
         * SwitchPlanBody
         * @description What a switch would do.
         */
        SwitchPlanBody: {
            /**
             * Checks
             * @description What can be known without loading it.
             */
            checks: components["schemas"]["ResultBody"][];
            /** @description What was measured of both; null if no version is active. */
            comparison: components["schemas"]["ComparisonBody"] | null;
            /**
             * Different Vectors
             * @description Whether its vectors differ from those of the active version.
             */
            different_vectors: boolean;
            /** @description The version that is active; null if none is. */
            from: components["schemas"]["VersionBody"] | null;
            /**
             * Kind
             * @description The kind.
             */
            kind: string;
            /** @description Whether it fits; null if nothing here serves the kind. */
            memory: components["schemas"]["MemoryBody"] | null;
            /**
             * Serving
             * @description The names that would serve it.
             */
            serving: string[];
            /** @description The version that would be. */
            to: components["schemas"]["VersionBody"];
        };
        /**
         * SwitchRequest
         * @description A switch, or the question what it would do.
         */
        SwitchRequest: {
            /**
             * Allow Different Vectors
             * @description Whether an index of the active version may become useless to searches by the new one.
             * @default false
             */
            allow_different_vectors?: boolean;
            /**
             * Dry Run
             * @description Whether only to say what the switch would do.
             * @default false
             */
            dry_run?: boolean;
            /**
             * Expected Generation
             * @description The generation that must be active; another one is a 409.
             */
            expected_generation?: number | null;
            /**
             * Reason
             * @description Why, for the history.
             * @default
             */
            reason?: string;
        };
        /** ValidationError */
        ValidationError: {
            /** Context */
            ctx?: Record<string, never>;
            /** Input */
            input?: unknown;
            /** Location */
            loc: (string | number)[];
            /** Message */
            msg: string;
            /** Error Type */
            type: string;
        };
        /**
         * VariantBody
         * @description One copy of one variant of one name.
         */
        VariantBody: {
            /**
             * Breaker
             * @description Whether calls get through: `closed`, `open` (they are refused) or `half-open` (one tries).
             * @enum {string}
             */
            breaker: "closed" | "open" | "half-open";
            /**
             * Copy
             * @description The number of the copy, from 1.
             */
            copy: number;
            /**
             * Idle For S
             * @description Seconds since the last call; null if it is not loaded.
             */
            idle_for_s: number | null;
            /**
             * Last Error
             * @description Why the last load failed; null after a success.
             */
            last_error: string | null;
            /**
             * Loaded For S
             * @description Seconds since it was loaded; null if it is not.
             */
            loaded_for_s: number | null;
            /**
             * Memory Bytes
             * @description What that holds.
             */
            memory_bytes: number;
            /**
             * N Draining
             * @description How many earlier models wait for the end of their calls.
             */
            n_draining: number;
            /**
             * N Leases
             * @description How many calls run on it.
             */
            n_leases: number;
            /**
             * Name
             * @description The name that callers use.
             */
            name: string;
            /**
             * Pinned
             * @description Whether it stays loaded.
             */
            pinned: boolean;
            /**
             * Reference
             * @description Where it comes from.
             */
            reference: string;
            /**
             * State
             * @description `cold` is not loaded; `sick` returned NaN too often, and serves no more.
             * @enum {string}
             */
            state: "cold" | "loading" | "ready" | "sick";
            /**
             * Variant
             * @description The variant.
             */
            variant: string;
            /** @description What serves; null if nothing does. */
            version: components["schemas"]["PoolVersionBody"] | null;
            /**
             * Weight
             * @description Its share of the calls, from 0 to 1.
             */
            weight: number;
        };
        /**
         * VersionBody
         * @description A version of a model.
         */
        VersionBody: {
            /**
             * Active
             * @description Whether it is the active version of its kind.
             */
            active: boolean;
            /**
             * Catalogue Id
             * @description The entry of the catalogue that it is a version of; null if there is none.
             */
            catalogue_id: string | null;
            /**
             * Checkpoint Hash
             * @description The SHA-256 of its manifest, which has that of each file: 64 hexadecimal digits.
             */
            checkpoint_hash: string;
            /**
             * Created At
             * Format: date-time
             * @description When it was registered, in UTC.
             */
            created_at: string;
            /**
             * Created By
             * @description Who registered it.
             */
            created_by: string;
            /**
             * Embedding Dim
             * @description The size of its vectors; null if it makes none.
             */
            embedding_dim: number | null;
            /**
             * Fingerprint
             * @description The fingerprint of its vectors; null if it makes none.
             */
            fingerprint: string | null;
            /**
             * Id
             * @description Its number in the database.
             */
            id: number;
            /**
             * Inference Config
             * @description The options of `load` that belong to the version, such as `dim`.
             */
            inference_config: {
                [key: string]: unknown;
            };
            /**
             * Kind
             * @description The kind that it is registered under.
             */
            kind: string;
            /** @description Its last check; null where none was made, or none was asked for. */
            last_check: components["schemas"]["CheckBody"] | null;
            /**
             * Model Id
             * @description The model that it is a version of, such as `bge-m3`.
             */
            model_id: string;
            /**
             * Name
             * @description Model and version, such as `bge-m3/v1.0.0`.
             */
            name: string;
            /**
             * Reference
             * @description Where its files are: a reference at a commit, or a folder of an artifact.
             */
            reference: string;
            /**
             * Source Repo
             * @description The repository on the Hub, or the reference that its artifact was made from.
             */
            source_repo: string;
            /**
             * Type
             * @description The type of its model, such as `dense`; all versions of a kind have the same.
             */
            type: string;
            /**
             * Version Id
             * @description Its name within the model, such as `v1.0.0`.
             */
            version_id: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    list_datasets_api_benchmarks_datasets_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DatasetsBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_entries_api_catalogue_get: {
        parameters: {
            query?: {
                language?: string | null;
                license?: string | null;
                limit?: number;
                max_dim?: number | null;
                offset?: number;
                q?: string | null;
                type?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CatalogueBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    get_entry_api_catalogue__id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    read_events_api_events_get: {
        parameters: {
            query?: never;
            header?: {
                /** @description Go on after this event. */
                "last-event-id"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_jobs_api_jobs_get: {
        parameters: {
            query?: {
                limit?: number;
                state?: ("queued" | "running" | "succeeded" | "failed") | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobsBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    get_job_api_jobs__id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_keys_api_keys_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeysBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    create_key_api_keys_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewKey"];
            };
        };
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MadeKeyBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    revoke_key_api_keys__id__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_kinds_api_models__get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KindsBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    list_versions_api_models__kind__get: {
        parameters: {
            query?: {
                /** @description The next of the page before. */
                before?: number | null;
                limit?: number;
                /** @description Only versions with this text. */
                q?: string;
            };
            header?: never;
            path: {
                /** @description A kind, such as text_embedding. */
                kind: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KindBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    benchmark_versions_api_models__kind__benchmark_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same again is the same job. */
                "idempotency-key"?: string | null;
            };
            path: {
                /** @description A kind, such as text_embedding. */
                kind: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BenchmarkRequest"];
            };
        };
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    compare_versions_api_models__kind__compare_get: {
        parameters: {
            query: {
                format?: "json" | "csv" | "markdown";
                /** @description 2 to 8 of them, with commas between. */
                versions: string;
            };
            header?: never;
            path: {
                /** @description A kind, such as text_embedding. */
                kind: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ComparisonBody"];
                    "text/csv": unknown;
                    "text/markdown": unknown;
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    get_history_api_models__kind__history_get: {
        parameters: {
            query?: {
                /** @description Only what was active then; a time with a zone. */
                at?: string | null;
                /** @description The next of the page before. */
                before?: number | null;
                limit?: number;
            };
            header?: never;
            path: {
                /** @description A kind, such as text_embedding. */
                kind: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HistoryBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    register_version_api_models__kind__register_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same again is the same job. */
                "idempotency-key"?: string | null;
            };
            path: {
                /** @description A kind, such as text_embedding. */
                kind: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Registration"];
            };
        };
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What a dry run found. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RegistrationChecksBody"];
                };
            };
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    roll_back_api_models__kind__rollback_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same again is the same job. */
                "idempotency-key"?: string | null;
            };
            path: {
                /** @description A kind, such as text_embedding. */
                kind: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Switching"] | null;
            };
        };
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    switch_version_api_models__kind__switch__version__post: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same again is the same job. */
                "idempotency-key"?: string | null;
            };
            path: {
                /** @description A kind, such as text_embedding. */
                kind: string;
                version: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["SwitchRequest"] | null;
            };
        };
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What a dry run found. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SwitchPlanBody"];
                };
            };
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    get_version_api_models__kind__versions__model_id___version_id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A kind, such as text_embedding. */
                kind: string;
                model_id: string;
                version_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VersionBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    get_performance_api_models_performance__kind__get: {
        parameters: {
            query?: {
                /** @description The next of the page before. */
                before?: number | null;
                dataset?: string | null;
                limit?: number;
                metric?: string | null;
                /** @description The series of the metric, as a chart shows it. */
                points?: number | null;
                version?: string | null;
            };
            header?: never;
            path: {
                /** @description A kind, such as text_embedding. */
                kind: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunsBody"] | components["schemas"]["SeriesBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    get_pool_api_pool_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PoolBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    load_name_api_pool__name__load_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    pin_name_api_pool__name__pin_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StateBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    plan_name_api_pool__name__plan_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemoryBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    unload_name_api_pool__name__unload_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StateBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    unpin_name_api_pool__name__unpin_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StateBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    reload_api_reload_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AppliedBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    get_server_api_server_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, what was expected, and what to do. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServerBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description What was found, what was expected, and what to do. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
}

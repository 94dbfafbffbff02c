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
             * @enum {string}
             */
            action: "activate" | "rollback";
            /** Actor */
            actor: string;
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** Generation */
            generation: number;
            /** Kind */
            kind: string;
            /** New Vector Space */
            new_vector_space: boolean;
            /** Reason */
            reason: string;
            /** Request Id */
            request_id: string;
            /** Returns To */
            returns_to: number | null;
            version: components["schemas"]["VersionBody"];
        };
        /**
         * AppliedBody
         * @description What a deployment that was read again has changed.
         */
        AppliedBody: {
            /** Added */
            added: string[];
            /** Changed */
            changed: string[];
            /** Failed */
            failed: {
                [key: string]: string;
            };
            /** Missing */
            missing: {
                [key: string]: string;
            };
            /** Removed */
            removed: string[];
            /** Swapped */
            swapped: string[];
        };
        /**
         * BenchmarkRequest
         * @description What to measure.
         */
        BenchmarkRequest: {
            /** Datasets */
            datasets?: string[] | null;
            /**
             * N Requests
             * @default 400
             */
            n_requests?: number;
            /** Test Run Id */
            test_run_id?: string | null;
            /** Versions */
            versions: string[];
        };
        /**
         * CatalogueBody
         * @description Some entries.
         */
        CatalogueBody: {
            /** Items */
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
             */
            at: string;
            /** Facts */
            facts: {
                [key: string]: unknown;
            };
            /**
             * Outcome
             * @enum {string}
             */
            outcome: "passed" | "failed";
            /** Problems */
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
            /** Dataset */
            dataset: string;
            /**
             * Differences
             * @description From the first version; null for itself, and where two cannot be compared.
             */
            differences: (components["schemas"]["DifferenceBody"] | null)[];
            /** Higher Is Better */
            higher_is_better: boolean | null;
            /** Name */
            name: string;
            /** Unit */
            unit: string;
            /** Values */
            values: (components["schemas"]["MeasurementBody"] | null)[];
        };
        /**
         * ComparisonBody
         * @description Several versions, metric by metric; the first is the base.
         */
        ComparisonBody: {
            /** Metrics */
            metrics: components["schemas"]["ComparedBody"][];
            /** Versions */
            versions: components["schemas"]["VersionBody"][];
        };
        /**
         * DatabaseBody
         * @description The database of the registry.
         */
        DatabaseBody: {
            /**
             * Kind
             * @enum {string}
             */
            kind: "sqlite" | "postgresql";
            /** Last Contact At */
            last_contact_at: string | null;
            /** Location */
            location: string;
            /** Ok */
            ok: boolean;
            /** Problem */
            problem: string | null;
        };
        /**
         * DatasetBody
         * @description A set of texts that ships.
         */
        DatasetBody: {
            /** Description */
            description: string;
            /** Labels */
            labels: string[];
            /** License */
            license: string;
            /** N Documents */
            n_documents: number;
            /** N Queries */
            n_queries: number;
            /** Name */
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
            /** Items */
            items: components["schemas"]["DatasetBody"][];
            /** Next */
            next?: null;
        };
        /**
         * DeviceBody
         * @description The memory of a device.
         */
        DeviceBody: {
            /** Available Bytes */
            available_bytes: number;
            /** Budget Bytes */
            budget_bytes: number;
            /** Free Bytes */
            free_bytes: number;
            /** Held Bytes */
            held_bytes: number;
            /** Loading */
            loading: string | null;
            /** Loading For S */
            loading_for_s: number | null;
            /** Name */
            name: string;
            /** Total Bytes */
            total_bytes: number;
            /** Unreturned Bytes */
            unreturned_bytes: number;
        };
        /**
         * DifferenceBody
         * @description The difference of a version from the first.
         */
        DifferenceBody: {
            /** Difference */
            difference: number;
            /** Interval */
            interval: [
                number,
                number
            ] | null;
            /** Relative */
            relative: number | null;
            /** Verdict */
            verdict: ("better" | "worse" | "unclear") | null;
        };
        /**
         * FoundBody
         * @description What a check found wrong.
         */
        FoundBody: {
            /** Check */
            check: string;
            /** Message */
            message: string;
        };
        /**
         * HistoryBody
         * @description A page of activations, the newest first.
         */
        HistoryBody: {
            /** Items */
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
            /** Actor */
            actor: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Finished At */
            finished_at: string | null;
            /** Id */
            id: string;
            /** Kind */
            kind: string | null;
            problem: components["schemas"]["ProblemBody"] | null;
            /** Progress */
            progress: number | null;
            /** Request Id */
            request_id: string;
            /** Result */
            result: {
                [key: string]: unknown;
            } | null;
            /** Started At */
            started_at: string | null;
            /**
             * State
             * @enum {string}
             */
            state: "queued" | "running" | "succeeded" | "failed";
            /** Steps */
            steps: components["schemas"]["StepBody"][];
            /** Subject */
            subject: string;
            /**
             * Type
             * @enum {string}
             */
            type: "switch" | "rollback" | "register" | "benchmark" | "load";
        };
        /**
         * JobsBody
         * @description The last jobs, the newest first.
         */
        JobsBody: {
            /** Items */
            items: components["schemas"]["JobBody"][];
            /** Next */
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
             */
            created_at: string;
            /** Created By */
            created_by: string;
            /** Expires At */
            expires_at: string | null;
            /** Id */
            id: number;
            /** Name */
            name: string;
            /** Prefix */
            prefix: string;
            /** Revoked At */
            revoked_at: string | null;
            /** Revoked By */
            revoked_by: string | null;
            /** Scopes */
            scopes: ("infer" | "operate" | "admin")[];
        };
        /**
         * KeysBody
         * @description All keys, the newest first.
         */
        KeysBody: {
            /** Items */
            items: components["schemas"]["KeyBody"][];
            /** Next */
            next?: null;
        };
        /**
         * KindBody
         * @description A kind, and a page of its versions, the newest first.
         */
        KindBody: {
            active: components["schemas"]["ActivationBody"] | null;
            /** Items */
            items: components["schemas"]["VersionBody"][];
            /** Kind */
            kind: string;
            /**
             * Next
             * @description The value of before for the next page.
             */
            next: number | null;
            /** Type */
            type: string;
        };
        /**
         * KindsBody
         * @description All kinds.
         */
        KindsBody: {
            /** Items */
            items: components["schemas"]["KindSummaryBody"][];
        };
        /**
         * KindSummaryBody
         * @description A kind, and what is active.
         */
        KindSummaryBody: {
            active: components["schemas"]["ActivationBody"] | null;
            /** Kind */
            kind: string;
            /** N Versions */
            n_versions: number;
            /**
             * Since
             * @description Since when the active version is active.
             */
            since: string | null;
            /** Type */
            type: string;
        };
        /**
         * LimitBody
         * @description How much of a device models may take: bytes, or a share of it.
         */
        LimitBody: {
            /** Bytes */
            bytes: number | null;
            /** Device */
            device: string;
            /** Share */
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
             */
            created_at: string;
            /** Created By */
            created_by: string;
            /** Expires At */
            expires_at: string | null;
            /** Id */
            id: number;
            /** Key */
            key: string;
            /** Name */
            name: string;
            /** Prefix */
            prefix: string;
            /** Revoked At */
            revoked_at: string | null;
            /** Revoked By */
            revoked_by: string | null;
            /** Scopes */
            scopes: ("infer" | "operate" | "admin")[];
        };
        /**
         * MeasurementBody
         * @description One number, with its unit and how certain it is.
         */
        MeasurementBody: {
            /** Higher Is Better */
            higher_is_better: boolean | null;
            /** Interval */
            interval: [
                number,
                number
            ] | null;
            /** N Samples */
            n_samples: number;
            /** Name */
            name: string;
            /** Notes */
            notes: string;
            /** Unit */
            unit: string;
            /** Value */
            value: number;
        };
        /**
         * MemoryBody
         * @description Whether something fits beside what is loaded.
         */
        MemoryBody: {
            /**
             * Fits
             * @enum {string}
             */
            fits: "now" | "after_unloading" | "never";
            /** Free Bytes */
            free_bytes: number;
            /** Need Bytes */
            need_bytes: number;
            /** Would Unload */
            would_unload: string[];
        };
        /**
         * NewKey
         * @description A key to make.
         */
        NewKey: {
            /** Expires At */
            expires_at?: string | null;
            /** Name */
            name: string;
            /** Scopes */
            scopes: ("infer" | "operate" | "admin")[];
        };
        /**
         * PolicyBody
         * @description How models share the machine.
         */
        PolicyBody: {
            /**
             * Eviction
             * @enum {string}
             */
            eviction: "fewest" | "lru";
            /** Idle After S */
            idle_after_s: number | null;
            /** Memory */
            memory: components["schemas"]["LimitBody"][];
            /** Min Resident S */
            min_resident_s: number;
            /**
             * Swap
             * @enum {string}
             */
            swap: "overlap" | "replace";
        };
        /**
         * PoolBody
         * @description The pool at one moment, its last events, and its policy.
         */
        PoolBody: {
            /** Devices */
            devices: components["schemas"]["DeviceBody"][];
            /** Ensembles */
            ensembles: string[];
            /** Events */
            events: components["schemas"]["PoolEventBody"][];
            /** Models */
            models: components["schemas"]["VariantBody"][];
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
             */
            at: string;
            /** Kind */
            kind: string;
            /** Name */
            name: string;
            /** Number */
            number: number;
            /** Values */
            values: {
                [key: string]: unknown;
            };
        };
        /**
         * PoolVersionBody
         * @description What serves.
         */
        PoolVersionBody: {
            /** Device */
            device: string;
            /** Fingerprint */
            fingerprint: string | null;
            /** Kind */
            kind: string;
            /** Number */
            number: number;
            /** Reference */
            reference: string;
        };
        /**
         * ProblemBody
         * @description What went wrong, as RFC 9457 has it.
         */
        ProblemBody: {
            /** Code */
            code: string;
            /** Detail */
            detail: string;
            /**
             * Errors
             * @default []
             */
            errors?: {
                [key: string]: string;
            }[];
            /**
             * Request Id
             * @default
             */
            request_id?: string;
            /** Status */
            status: number;
            /**
             * Suggestions
             * @default []
             */
            suggestions?: string[];
            /** Title */
            title: string;
            /** Type */
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
             * @default false
             */
            dry_run?: boolean;
            /** Inference Config */
            inference_config?: {
                [key: string]: unknown;
            };
            /** Model Id */
            model_id?: string | null;
            /** Reference */
            reference: string;
            /** Version Id */
            version_id: string;
        };
        /**
         * RegistrationChecksBody
         * @description What was found out of a version that is not registered.
         */
        RegistrationChecksBody: {
            /** Checks */
            checks: components["schemas"]["ResultBody"][];
        };
        /**
         * ResultBody
         * @description One thing that was looked at.
         */
        ResultBody: {
            /** Message */
            message: string;
            /** Name */
            name: string;
            /**
             * Outcome
             * @enum {string}
             */
            outcome: "passed" | "failed" | "skipped";
        };
        /**
         * RunBody
         * @description The measurements of one version on one set of data.
         */
        RunBody: {
            /** Dataset */
            dataset: string;
            /** Dataset Digest */
            dataset_digest: string;
            /** Environment */
            environment: {
                [key: string]: unknown;
            };
            /** Id */
            id: number;
            /** Measurements */
            measurements: components["schemas"]["MeasurementBody"][];
            /**
             * Recorded At
             * Format: date-time
             */
            recorded_at: string;
            /** Test Run Id */
            test_run_id: string;
            version: components["schemas"]["VersionBody"];
        };
        /**
         * RunsBody
         * @description A page of runs, the newest first.
         */
        RunsBody: {
            /** Items */
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
            /** Metric */
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
            /** Unit */
            unit: string;
        };
        /**
         * ServerBody
         * @description The server.
         */
        ServerBody: {
            /** Address */
            address: string;
            database: components["schemas"]["DatabaseBody"] | null;
            /**
             * Deployment
             * @description Where the deployment is read from; null for a server that was given none.
             */
            deployment: string | null;
            /** Device */
            device: string;
            /** N Threads */
            n_threads: number;
            /** Python */
            python: string;
            /**
             * Started At
             * Format: date-time
             */
            started_at: string;
            /** Version */
            version: string;
        };
        /**
         * StateBody
         * @description The variants of a name.
         */
        StateBody: {
            /** Items */
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
             */
            at: string;
            /** Message */
            message: string;
            /** Name */
            name: string;
            /** State */
            state: string;
        };
        /**
         * SummaryBody
         * @description An entry, in short.
         */
        SummaryBody: {
            /** Context Length */
            context_length: number | null;
            /** Embedding Dim */
            embedding_dim: number | null;
            /** Huggingface Id */
            huggingface_id: string;
            /** Id */
            id: string;
            /** Languages */
            languages: string[];
            /** License */
            license: string | null;
            /** Matryoshka Dims */
            matryoshka_dims: number[];
            /** Matryoshka Range */
            matryoshka_range: number[] | null;
            /** Modalities */
            modalities: string[];
            /** Name */
            name: string;
            /** Organization */
            organization: string;
            /** Parameters */
            parameters: number | null;
            /** Release Date */
            release_date: string | null;
            /** Type */
            type: string;
        };
        /**
         * Switching
         * @description On which conditions to switch.
         */
        Switching: {
            /**
             * Allow Different Vectors
             * @default false
             */
            allow_different_vectors?: boolean;
            /** Expected Generation */
            expected_generation?: number | null;
            /**
             * Reason
             * @default
             */
            reason?: string;
        };
        /**
         * SwitchPlanBody
         * @description What a switch would do.
         */
        SwitchPlanBody: {
            /** Checks */
            checks: components["schemas"]["ResultBody"][];
            comparison: components["schemas"]["ComparisonBody"] | null;
            /** Different Vectors */
            different_vectors: boolean;
            from: components["schemas"]["VersionBody"] | null;
            /** Kind */
            kind: string;
            memory: components["schemas"]["MemoryBody"] | null;
            /** Serving */
            serving: string[];
            to: components["schemas"]["VersionBody"];
        };
        /**
         * SwitchRequest
         * @description A switch, or the question what it would do.
         */
        SwitchRequest: {
            /**
             * Allow Different Vectors
             * @default false
             */
            allow_different_vectors?: boolean;
            /**
             * Dry Run
             * @default false
             */
            dry_run?: boolean;
            /** Expected Generation */
            expected_generation?: number | null;
            /**
             * Reason
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
             * @enum {string}
             */
            breaker: "closed" | "open" | "half-open";
            /**
             * Copy
             * @description The number of the copy, from 1.
             */
            copy: number;
            /** Idle For S */
            idle_for_s: number | null;
            /** Last Error */
            last_error: string | null;
            /** Loaded For S */
            loaded_for_s: number | null;
            /** Memory Bytes */
            memory_bytes: number;
            /** N Draining */
            n_draining: number;
            /** N Leases */
            n_leases: number;
            /** Name */
            name: string;
            /** Pinned */
            pinned: boolean;
            /** Reference */
            reference: string;
            /**
             * State
             * @enum {string}
             */
            state: "cold" | "loading" | "ready" | "sick";
            /** Variant */
            variant: string;
            version: components["schemas"]["PoolVersionBody"] | null;
            /** Weight */
            weight: number;
        };
        /**
         * VersionBody
         * @description A version of a model.
         */
        VersionBody: {
            /** Active */
            active: boolean;
            /** Catalogue Id */
            catalogue_id: string | null;
            /** Checkpoint Hash */
            checkpoint_hash: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
            /** Embedding Dim */
            embedding_dim: number | null;
            /** Fingerprint */
            fingerprint: string | null;
            /** Id */
            id: number;
            /** Inference Config */
            inference_config: {
                [key: string]: unknown;
            };
            /** Kind */
            kind: string;
            last_check: components["schemas"]["CheckBody"] | null;
            /** Model Id */
            model_id: string;
            /** Name */
            name: string;
            /** Reference */
            reference: string;
            /** Source Repo */
            source_repo: string;
            /** Type */
            type: string;
            /** Version Id */
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

using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Faults;

namespace Dbos.Fluent.Tests.Stores.PostgresPolling;

public sealed class PostgresPollingAnyTests(PostgresPollingDatabases f)
    : AnySuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingAnyReplayTests(PostgresPollingDatabases f)
    : AnyReplaySuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingAnyMemberTests(PostgresPollingDatabases f)
    : AnyMemberSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingParallelTests(PostgresPollingDatabases f)
    : ParallelSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingParallelReplayTests(PostgresPollingDatabases f)
    : ParallelReplaySuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingManyChildrenTests(PostgresPollingDatabases f)
    : ManyChildrenSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingAwaitAnyTests(PostgresPollingDatabases f)
    : AwaitAnySuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingMemberFaultTests(PostgresPollingDatabases f)
    : MemberFaultSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingAnyLoserTests(PostgresPollingDatabases f)
    : AnyLoserSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingGroupReplayTests(PostgresPollingDatabases f)
    : GroupReplaySuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingParallelWaitTests(PostgresPollingDatabases f)
    : ParallelWaitSuite(f), IClassFixture<PostgresPollingDatabases>;

public sealed class PostgresPollingReceiveTurnTests(PostgresPollingDatabases f)
    : ReceiveTurnSuite(f), IClassFixture<PostgresPollingDatabases>;

using Dbos.Fluent.Tests.Faults;

namespace Dbos.Fluent.Tests.Stores.Postgres;

public sealed class PostgresCallFaultTests(PostgresDatabases f) : CallFaultSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresGivingUpTests(PostgresDatabases f) : GivingUpSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresRandomFaultTests(PostgresDatabases f) : RandomFaultSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresMemberFaultTests(PostgresDatabases f) : MemberFaultSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresInHandFaultTests(PostgresDatabases f) : InHandFaultSuite(f), IClassFixture<PostgresDatabases>;

public sealed class PostgresRepeatedWriteTests(PostgresDatabases f) : RepeatedWriteSuite(f), IClassFixture<PostgresDatabases>;

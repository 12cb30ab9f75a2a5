using Dbos.Fluent.Tests.Faults;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteCallFaultTests(SqliteDatabases f) : CallFaultSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteGivingUpTests(SqliteDatabases f) : GivingUpSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteRandomFaultTests(SqliteDatabases f) : RandomFaultSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteMemberFaultTests(SqliteDatabases f) : MemberFaultSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteInHandFaultTests(SqliteDatabases f) : InHandFaultSuite(f), IClassFixture<SqliteDatabases>;

public sealed class SqliteRepeatedWriteTests(SqliteDatabases f) : RepeatedWriteSuite(f), IClassFixture<SqliteDatabases>;

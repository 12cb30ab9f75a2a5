namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>Makes empty databases of one kind of store, one for each test.</summary>
public interface IDatabaseFixture
{
    /// <summary>A new, empty database.</summary>
    Task<TestDatabase> CreateAsync();

    /// <summary>One that is migrated already, where that saves time, and has no rows.</summary>
    Task<TestDatabase> CreateMigratedAsync() => CreateAsync();
}

/// <summary>SQLite files.</summary>
public sealed class SqliteDatabases : IDatabaseFixture
{
    /// <inheritdoc/>
    public Task<TestDatabase> CreateAsync() => Task.FromResult<TestDatabase>(new SqliteTestDatabase());
}

/// <summary>PostgreSQL databases, watched by notifications.</summary>
public sealed class PostgresDatabases(SharedPostgres server) : IDatabaseFixture
{
    /// <inheritdoc/>
    public async Task<TestDatabase> CreateAsync() =>
        new PostgresTestDatabase(
            await server.CreateDatabaseAsync(TestContext.Current.CancellationToken), notifications: true, server.ReturnDatabaseAsync);

    /// <inheritdoc/>
    public async Task<TestDatabase> CreateMigratedAsync() => new PostgresTestDatabase(
        await server.Migrated.TakeAsync(TestContext.Current.CancellationToken), notifications: true, server.Migrated);
}

/// <summary>PostgreSQL databases, watched by polling alone.</summary>
public sealed class PostgresPollingDatabases(SharedPostgres server) : IDatabaseFixture
{
    /// <inheritdoc/>
    public async Task<TestDatabase> CreateAsync() =>
        new PostgresTestDatabase(
            await server.CreateDatabaseAsync(TestContext.Current.CancellationToken), notifications: false, server.ReturnDatabaseAsync);

    /// <inheritdoc/>
    public async Task<TestDatabase> CreateMigratedAsync() => new PostgresTestDatabase(
        await server.Migrated.TakeAsync(TestContext.Current.CancellationToken), notifications: false, server.Migrated);
}

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>Makes empty databases of one kind of store, one for each test.</summary>
public interface IDatabaseFixture
{
    /// <summary>A new, empty database.</summary>
    Task<TestDatabase> CreateAsync();

    /// <summary>One that is migrated already and has no rows; other tests may have used it, and its connections, before.</summary>
    Task<TestDatabase> CreateMigratedAsync();

    /// <summary>One that is migrated already, that nobody has used before or will after.</summary>
    Task<TestDatabase> CreateCopyAsync();
}

/// <summary>SQLite files.</summary>
public sealed class SqliteDatabases : IDatabaseFixture
{
    /// <inheritdoc/>
    public Task<TestDatabase> CreateAsync() => Task.FromResult<TestDatabase>(new SqliteTestDatabase());

    /// <inheritdoc/>
    public Task<TestDatabase> CreateMigratedAsync() => CreateCopyAsync();

    /// <inheritdoc/>
    public async Task<TestDatabase> CreateCopyAsync()
    {
        var database = new SqliteTestDatabase();
        await SqliteTemplate.CopyAsync(database.Path);
        return database;
    }
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

    /// <inheritdoc/>
    public async Task<TestDatabase> CreateCopyAsync() => new PostgresTestDatabase(
        await server.Migrated.CopyAsync(TestContext.Current.CancellationToken), notifications: true, server.ReturnDatabaseAsync);
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

    /// <inheritdoc/>
    public async Task<TestDatabase> CreateCopyAsync() => new PostgresTestDatabase(
        await server.Migrated.CopyAsync(TestContext.Current.CancellationToken), notifications: false, server.ReturnDatabaseAsync);
}

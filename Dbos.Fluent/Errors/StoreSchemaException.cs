namespace Dbos.Fluent;

/// <summary>The database is not one this version can work on: not a database at all, not migrated, or migrated by nobody.</summary>
public sealed class StoreSchemaException : DbosException
{
    internal StoreSchemaException(string what, Exception? inner = null)
        : base("DBOS3002", what, inner)
    {
    }
}

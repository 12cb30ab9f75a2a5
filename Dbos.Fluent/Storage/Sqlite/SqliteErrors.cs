using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>Classifies SQLite's errors: wait and repeat, give up for now, or never usable.</summary>
internal static class SqliteErrors
{
    public static SqliteException Of(sqlite3 connection, int code)
    {
        var extended = raw.sqlite3_extended_errcode(connection);
        return new SqliteException(raw.sqlite3_errmsg(connection).utf8_to_string(), code & 0xFF, extended);
    }

    /// <summary>True if another connection has locked the file at this moment.</summary>
    public static bool IsBusy(SqliteException exception) => exception.SqliteErrorCode is raw.SQLITE_BUSY or raw.SQLITE_LOCKED;

    /// <summary>Converts an error to the exception that a caller of the store gets.</summary>
    public static Exception Translate(SqliteException exception, string path) => exception.SqliteErrorCode switch
    {
        raw.SQLITE_NOTADB => new StoreSchemaException(
            $"'{path}' is not a SQLite database. Name another file, or move this one away.", exception),
        raw.SQLITE_CORRUPT => new StoreSchemaException(
            $"The SQLite database '{path}' is damaged. Restore it from a backup, or name another file.", exception),
        raw.SQLITE_READONLY or raw.SQLITE_PERM or raw.SQLITE_AUTH => new StoreSchemaException(
            $"The SQLite database '{path}' cannot be written. Give this process write access to the file and to its directory.", exception),
        raw.SQLITE_CANTOPEN => Unopened(exception, path),
        raw.SQLITE_ERROR when exception.Message.Contains("no such ", StringComparison.Ordinal) => new StoreSchemaException(
            $"The SQLite database '{path}' lacks a table or a column of the DBOS system database. Launch an engine on it with Migrate on.",
            exception),
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_IOERR or raw.SQLITE_FULL or raw.SQLITE_NOMEM or raw.SQLITE_PROTOCOL
            or raw.SQLITE_INTERRUPT => new StoreUnavailableException("SQLite", exception),
        _ => exception,
    };

    private static Exception Unopened(SqliteException exception, string path)
    {
        if (Directory.Exists(path))
        {
            return new StoreSchemaException($"'{path}' is a directory. Name a file in it as the SQLite database.", exception);
        }

        var directory = Path.GetDirectoryName(path);
        if (!Directory.Exists(directory))
        {
            return new StoreSchemaException(
                $"The directory '{directory}' of the SQLite database '{path}' does not exist. Create it, or name a file elsewhere.",
                exception);
        }

        return File.Exists(path)
            ? new StoreUnavailableException("SQLite", exception)
            : new StoreSchemaException(
                $"There is no SQLite database at '{path}', or none can be made there. "
                + "Give this process write access to the directory, and launch an engine on it with Migrate on.",
                exception);
    }
}
